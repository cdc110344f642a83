// Prints what each page costs, from the build's manifest, and fails above the budget.
// KB are 1000 bytes after gzip -9.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_KB = 150;
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, "utf8"));

const size = (key) => gzipSync(readFileSync(dist + manifest[key].file), { level: 9 }).length / 1000;
const total = (keys) => [...keys].reduce((sum, key) => sum + size(key), 0);

/** A chunk with everything it imports statically. */
function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const each of manifest[key].imports ?? []) closure(each, seen);
  return seen;
}

const first = closure("index.html");
console.log(`${total(first).toFixed(1).padStart(7)} KB  initial (budget ${BUDGET_KB})`);
for (const [key, chunk] of Object.entries(manifest)) {
  if (!chunk.isDynamicEntry) continue;
  const more = [...closure(key)].filter((each) => !first.has(each));
  console.log(`${total(more).toFixed(1).padStart(7)} KB  ${key}`);
}
process.exit(total(first) <= BUDGET_KB ? 0 : 1);
