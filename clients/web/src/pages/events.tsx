/** The audit trail: who changed what, who looked at rows, and when. */
import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { auditEvents } from "../api/queries";
import { t } from "../text/en";
import { EventTable } from "../ui/event-table";
import { Broken, Empty, Skeleton } from "../ui/feedback";
import { Page } from "../ui/page";
import { SearchField } from "../ui/search";

export function EventsPage() {
  const list = useQuery(auditEvents());
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  return (
    <Page title={t.events.title} lead={t.events.lead}>
      {list.data === undefined ? (
        list.error === null ? (
          <Skeleton />
        ) : (
          <Broken error={list.error} again={() => void list.refetch()} />
        )
      ) : list.data.length === 0 ? (
        <Empty title={t.events.empty} />
      ) : (
        <>
          <div className="toolbar">
            <SearchField label={t.events.filter} value={filter} onChange={setFilter} />
          </div>
          <EventTable
            events={list.data.filter(({ actor, action, resource }) =>
              `${actor} ${action} ${resource}`.toLowerCase().includes(wanted),
            )}
          />
        </>
      )}
    </Page>
  );
}
