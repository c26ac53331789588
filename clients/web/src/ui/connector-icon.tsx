/** A connector's picture: by what it is made for, else its first letter. */
import { Cloud, Database, Folder, Sparkles, type LucideIcon } from "lucide-react";
import { idOf } from "../lib/names";

const PICTURES: readonly (readonly [RegExp, LucideIcon])[] = [
  [/postgres|mysql|sql|database/, Database],
  [/s3|gcs|blob|cloud/, Cloud],
  [/local|file|folder/, Folder],
  [/faker|fake|sample/, Sparkles],
];

export function ConnectorIcon({ name }: { name: string }) {
  const id = idOf(name);
  const Picture = PICTURES.find(([pattern]) => pattern.test(id))?.[1];
  return (
    <span className="picture" aria-hidden>
      {Picture === undefined ? (
        id
          .replace(/^(source|destination)-/, "")
          .slice(0, 1)
          .toUpperCase()
      ) : (
        <Picture size={19} />
      )}
    </span>
  );
}
