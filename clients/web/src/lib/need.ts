/** Return a value that the protocol promises; its absence is a bug of the server, and is said so. */
export function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("The server's answer lacks what it must carry; please report this.");
  return value;
}
