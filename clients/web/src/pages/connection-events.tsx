/** What was done to one connection, and by whom. */
import { useQuery } from "@tanstack/react-query";
import { auditEvents } from "../api/queries";
import type { Connection } from "../gen/towpath/control/v1/connections_pb";
import { EventTable } from "../ui/event-table";
import { Broken, Skeleton } from "../ui/feedback";

export function EventsTab({ connection }: { connection: Connection }) {
  const list = useQuery(auditEvents(connection.name));
  if (list.data === undefined) {
    return list.error === null ? <Skeleton /> : <Broken error={list.error} again={() => void list.refetch()} />;
  }
  return <EventTable events={list.data} />;
}
