/** The command palette: places, connections, and what can be done. */
import { useId, useState } from "react";
import { Dialog } from "@base-ui/react/dialog";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { connectionList, destinationList, sourceList } from "../api/queries";
import { connections } from "../api/transport";
import { idOf } from "../lib/names";
import { need } from "../lib/need";
import { t } from "../text/en";
import { Notice } from "../ui/feedback";
import { toggleTheme } from "./theme";

interface Entry {
  readonly label: string;
  readonly run: () => unknown;
  /** The palette stays until it has worked, to show why when it has not. */
  readonly slow?: boolean;
}

const SHOWN = 50;

export function Palette({ close, showKeys }: { close: () => void; showKeys: () => void }) {
  const navigate = useNavigate();
  const list = useId();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [error, setError] = useState<unknown>();
  const known = useQuery(connectionList).data ?? [];
  const from = useQuery(sourceList).data ?? [];
  const to = useQuery(destinationList).data ?? [];

  const entries: Entry[] = [
    { label: t.palette.go(t.nav.connections), run: () => navigate({ to: "/connections" }) },
    { label: t.palette.go(t.nav.jobs), run: () => navigate({ to: "/jobs" }) },
    { label: t.palette.go(t.nav.sources), run: () => navigate({ to: "/sources" }) },
    { label: t.palette.go(t.nav.destinations), run: () => navigate({ to: "/destinations" }) },
    { label: t.palette.go(t.nav.connectors), run: () => navigate({ to: "/connectors" }) },
    { label: t.actions.newConnection, run: () => navigate({ to: "/connections/new" }) },
    { label: t.actions.newSource, run: () => navigate({ to: "/sources/new" }) },
    { label: t.actions.newDestination, run: () => navigate({ to: "/destinations/new" }) },
    { label: t.actions.import, run: () => navigate({ to: "/import" }) },
    { label: t.palette.theme, run: toggleTheme },
    { label: t.palette.keys, run: showKeys },
    ...known.map(({ name }) => ({
      label: t.palette.go(idOf(name)),
      run: () => navigate({ to: "/connections/$id", params: { id: idOf(name) } }),
    })),
    ...known.map(({ name }) => ({
      label: t.palette.sync(idOf(name)),
      slow: true,
      run: async () => {
        const job = need((await connections.syncConnection({ name, requestId: crypto.randomUUID() })).job);
        await navigate({ to: "/jobs/$id", params: { id: idOf(job.name) } });
      },
    })),
    ...from.map(({ name }) => ({
      label: t.palette.go(`${t.choose.stepSource.toLowerCase()} ${idOf(name)}`),
      run: () => navigate({ to: "/sources/$id", params: { id: idOf(name) } }),
    })),
    ...to.map(({ name }) => ({
      label: t.palette.go(`${t.choose.stepDestination.toLowerCase()} ${idOf(name)}`),
      run: () => navigate({ to: "/destinations/$id", params: { id: idOf(name) } }),
    })),
  ];
  const words = text.toLowerCase().split(/\s+/);
  const found = entries
    .filter(({ label }) => words.every((word) => label.toLowerCase().includes(word)))
    .slice(0, SHOWN);
  const current = Math.min(at, found.length - 1);

  const run = async (entry: Entry | undefined) => {
    if (entry === undefined) return;
    try {
      // Closing first: what opens next, such as the list of keys, takes the palette's place.
      if (entry.slow !== true) close();
      await entry.run();
      if (entry.slow === true) close();
    } catch (thrown) {
      setError(thrown);
    }
  };

  return (
    <Dialog.Root open onOpenChange={(open) => !open && close()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="palette" aria-label={t.palette.label}>
          <input
            role="combobox"
            aria-label={t.palette.label}
            aria-expanded
            aria-controls={list}
            aria-activedescendant={current >= 0 ? `${list}-${current}` : undefined}
            placeholder={t.palette.placeholder}
            value={text}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => {
              setText(event.target.value);
              setAt(0);
            }}
            onKeyDown={(event) => {
              const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
              if (step !== 0 && found.length > 0) {
                event.preventDefault();
                const next = (current + step + found.length) % found.length;
                setAt(next);
                document.getElementById(`${list}-${next}`)?.scrollIntoView({ block: "nearest" });
              } else if (event.key === "Enter") {
                event.preventDefault();
                void run(found[current]);
              }
            }}
          />
          <div role="listbox" id={list} aria-label={t.palette.label} className="palette-list">
            {found.map((entry, index) => (
              // The keyboard moves through the list from the field, as the pattern of a combobox wants it.
              // eslint-disable-next-line jsx-a11y/click-events-have-key-events
              <div
                key={entry.label}
                id={`${list}-${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={index === current}
                className={index === current ? "option here" : "option"}
                onClick={() => void run(entry)}
                onPointerMove={() => setAt(index)}
              >
                {entry.label}
              </div>
            ))}
          </div>
          {found.length === 0 && <p className="muted pad">{t.palette.empty}</p>}
          <Notice error={error} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
