/** The API token: in this page's memory and nowhere else. A reload asks for it again; no storage or URL ever holds it. */
import { useSyncExternalStore } from "react";

let current = "";
/** The server wants a token, or a better one. Stays until somebody has signed in. */
let refused = false;
const listeners = new Set<() => void>();

const tell = (): void => {
  for (const listener of listeners) listener();
};

export const token = {
  get: (): string => current,
  set(value: string): void {
    current = value;
  },
  /** The server did not take us. */
  refuse(): void {
    refused = true;
    tell();
  },
  /** The server took us. */
  accept(): void {
    refused = false;
    tell();
  },
};

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useRefused = (): boolean => useSyncExternalStore(subscribe, () => refused);
