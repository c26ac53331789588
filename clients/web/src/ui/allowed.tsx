/** Shows what somebody may do to those who may. */
import type { ReactNode } from "react";
import { useMay } from "../api/me";
import { Token_Role } from "../gen/towpath/control/v1/tokens_pb";

export function Editors({ children }: { children: ReactNode }) {
  return useMay(Token_Role.EDITOR) ? children : null;
}
