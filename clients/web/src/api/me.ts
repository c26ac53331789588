/** Who the server takes us for, and what it lets us do. It refuses the rest anyway; this only spares the attempt. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { Token_Role } from "../gen/towpath/control/v1/tokens_pb";
import { tokens } from "./transport";

export const whoAmI = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => tokens.whoAmI({}, { signal }),
  staleTime: 60_000,
});

/** Whether our role includes another one; true until we know better. */
export function useMay(role: Token_Role.EDITOR | Token_Role.ADMIN): boolean {
  const me = useQuery(whoAmI).data;
  return me === undefined || me.role >= role;
}
