/** Resource names (`connections/shop`) and stream names (`public.orders`). */
import type { StreamName } from "../gen/towpath/connector/v1/types_pb";

/** The id in a resource name. */
export const idOf = (name: string): string => name.slice(name.indexOf("/") + 1);

/** A stream's name for people. */
export const streamLabel = (name: StreamName | undefined): string =>
  name === undefined ? "" : name.namespace === "" ? name.name : `${name.namespace}.${name.name}`;

/** A key that no two streams share, whatever characters their names hold. */
export const streamKey = (name: StreamName | undefined): string => JSON.stringify([name?.namespace, name?.name]);

/** What the server takes as an id: 1 to 63 lower-case letters, digits and hyphens, starting with a letter. */
export const isId = (text: string): boolean => /^[a-z][a-z0-9-]{0,62}$/.test(text);

/** An id made of any text, such as a title; empty when nothing of it can be used. */
export const idFrom = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 63);
