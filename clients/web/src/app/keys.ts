/** Keys that work on every page; none of them while somebody types. */
import { useEffect, useEffectEvent } from "react";
import { useNavigate } from "@tanstack/react-router";

const PLACES: Record<string, "/connections" | "/jobs" | "/sources" | "/destinations"> = {
  c: "/connections",
  j: "/jobs",
  s: "/sources",
  d: "/destinations",
};
/** Milliseconds in which the second key of a pair must follow. */
const PAIR = 1200;

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function useKeys({ palette, keys }: { palette: () => void; keys: () => void }): void {
  const navigate = useNavigate();
  const press = useEffectEvent((event: KeyboardEvent, pair: { since: number }) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      palette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("[role=dialog],[role=alertdialog]") !== null) return;
    const place = PLACES[event.key];
    if (place !== undefined && event.timeStamp - pair.since < PAIR) {
      void navigate({ to: place });
    } else if (event.key === "/") {
      const field = document.querySelector<HTMLInputElement>("[data-search]");
      if (field !== null) {
        event.preventDefault();
        field.focus();
        field.select();
      }
    } else if (event.key === "?") {
      keys();
    }
    pair.since = event.key === "g" ? event.timeStamp : -Infinity;
  });
  useEffect(() => {
    const pair = { since: -Infinity };
    const listen = (event: KeyboardEvent) => press(event, pair);
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
}
