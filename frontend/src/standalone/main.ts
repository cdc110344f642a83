/** The offline verifier: files in, verdicts out, no server and no connection. */

import { anchoredBlock, BlockSourceError, readPastedHash } from "../pages/verify/blockSources.ts";
import { IntakeError, partByName, readFiles } from "../pages/verify/bundleFiles.ts";
import { combine, missingPart } from "../pages/verify/given.ts";
import { headlineOf } from "../pages/verify/headline.ts";
import type { BlockWitness } from "../proof/confirm.ts";
import { type Part, type ProofFiles, TRUST_PARTS, verifyFiles } from "../proof/files.ts";
import { byId } from "./dom.ts";
import { showInputs, showNothing, showOutcome } from "./view.ts";

let given: ProofFiles = {};
let names: Partial<Record<Part, string>> = {};
let blocks: readonly BlockWitness[] = [];

function render(): void {
  showInputs(given, names, (part) => give({ ...given, [part]: null }));
  byId("vouch").hidden = !TRUST_PARTS.some((part) => given[part]);
  const missing = missingPart(given);
  const block = byId("block");
  block.hidden = true;
  if (missing !== null) {
    showNothing(missing);
    return;
  }
  const outcome = verifyFiles(given, { blocks });
  const own = byId<HTMLInputElement>("own").checked;
  showOutcome(outcome, headlineOf(outcome, Boolean(given.anchor), { fromServer: [], own }));
  const open = anchoredBlock(given.anchor);
  if (outcome.kind !== "report" || open === null || !given.trust) return;
  const isOpen = outcome.report.verdicts.some(({ status }) => status === "not-anchored");
  block.hidden = !isOpen && blocks.length === 0;
  byId("hash-label").textContent = `Hash of block ${open}, from a node or explorer that you trust`;
}

/** Another file of the reader's trust has to be vouched for anew, another anchor confirmed anew. */
function give(files: ProofFiles): void {
  if (TRUST_PARTS.some((part) => files[part] !== given[part])) {
    byId<HTMLInputElement>("own").checked = false;
  }
  if (files.anchor !== given.anchor) blocks = [];
  given = files;
  render();
}

async function take(list: Iterable<File>): Promise<void> {
  const files = [...list];
  try {
    const read = await readFiles(files);
    for (const file of files) names = { ...names, [partByName(file.name) ?? "event"]: file.name };
    refuse(null);
    give(combine(given, read));
  } catch (error) {
    if (!(error instanceof IntakeError)) throw error;
    refuse(error.message);
  }
}

function refuse(message: string | null): void {
  const shown = byId("error");
  shown.hidden = message === null;
  shown.textContent = message ?? "";
}

const choose = byId<HTMLInputElement>("choose");
choose.addEventListener("change", () => {
  const files = [...(choose.files ?? [])];
  choose.value = "";
  void take(files);
});

const drop = byId("drop");
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", () => drop.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  void take(event.dataTransfer?.files ?? []);
});

byId("clear").addEventListener("click", () => {
  names = {};
  refuse(null);
  give({});
});
byId("own").addEventListener("change", render);
byId("block").addEventListener("submit", (event) => {
  event.preventDefault();
  const block = anchoredBlock(given.anchor);
  if (block === null) return;
  try {
    blocks = [readPastedHash(byId<HTMLInputElement>("hash").value, block)];
    refuse(null);
  } catch (error) {
    if (!(error instanceof BlockSourceError)) throw error;
    refuse(error.message);
  }
  render();
});
render();
