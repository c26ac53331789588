/** Every job, newest first. */
import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { recentJobs } from "../api/queries";
import { idOf } from "../lib/names";
import { t } from "../text/en";
import { Broken, Empty, Skeleton } from "../ui/feedback";
import { JobTable } from "../ui/job-table";
import { Page } from "../ui/page";
import { SearchField } from "../ui/search";
import { jobLook } from "../ui/status";

export function JobsPage() {
  const list = useQuery(recentJobs("", 500));
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  return (
    <Page title={t.jobs.title} lead={t.jobs.lead}>
      {list.data === undefined ? (
        list.error === null ? (
          <Skeleton />
        ) : (
          <Broken error={list.error} again={() => void list.refetch()} />
        )
      ) : list.data.length === 0 ? (
        <Empty title={t.jobs.empty}>{t.jobs.emptyHelp}</Empty>
      ) : (
        <>
          <div className="toolbar">
            <SearchField label={t.jobs.filter} value={filter} onChange={setFilter} />
          </div>
          <JobTable
            withConnection
            jobs={list.data.filter((job) =>
              `${idOf(job.connection)} ${idOf(job.name)} ${jobLook(job.state).word}`.toLowerCase().includes(wanted),
            )}
          />
        </>
      )}
    </Page>
  );
}
