// Fails when the JavaScript of a first load, gzipped, is more than the budget.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const BUDGET = 250_000;
const folder = join(import.meta.dirname, "../../../runtime/local/src/towpath_local/_web");
const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));

/** The entry and everything that it imports before it runs. */
function firstLoad(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) firstLoad(next, seen);
  return seen;
}

const files = [...firstLoad("index.html")].map((key) => manifest[key].file);
const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file))).length, 0);
console.log(
  `first load: ${(bytes / 1000).toFixed(1)} kB gzipped JavaScript of ${BUDGET / 1000} kB, ${files.length} files`,
);
if (bytes > BUDGET) process.exit(1);
