/** The API token: in this page's memory and nowhere else. A reload asks for it again; no storage or URL ever holds it. */
let current = "";
const listeners = new Set<() => void>();

export const token = {
  get: (): string => current,
  set(value: string): void {
    current = value;
    for (const listener of listeners) listener();
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
