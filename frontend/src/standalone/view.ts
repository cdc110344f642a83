/** What the page shows of an outcome and of its inputs. */

import { formatTime } from "../format/dates.ts";
import { fileName, roleOf } from "../pages/verify/bundleFiles.ts";
import type { Headline } from "../pages/verify/headline.ts";
import { CLAIMS, completenessSentence, FACT_NAMES, STATUS_WORDS } from "../pages/verify/words.ts";
import { type Outcome, type Part, type ProofFiles, partsOf } from "../proof/files.ts";
import type { Facts, Verdict } from "../proof/report.ts";
import { byId, make } from "./dom.ts";

/** The headline, the exit code, every verdict and what the bytes say. */
export function showOutcome(outcome: Outcome, headline: Headline): void {
  setHeadline(headline);
  const [code, words] =
    outcome.kind === "refused"
      ? ([2, "malformed input"] as const)
      : ([outcome.report.exitCode, outcome.report.overall] as const);
  const exit = byId("exit");
  exit.textContent = `Exit code of tally verify: ${code} (${words})`;
  exit.dataset.exit = String(code);
  const report = outcome.kind === "report" ? outcome.report : null;
  showSentence(report === null ? null : completenessSentence(report));
  byId("verdicts").replaceChildren(...(report?.verdicts.map(verdictRow) ?? []));
  if (report !== null && report.ignoredSignatures > 0) {
    const text = `${report.ignoredSignatures} signature lines by unknown keys were not looked at.`;
    byId("verdicts").append(make("li", {}, text));
  }
  showFacts(report?.facts ?? {});
}

/** Nothing can be judged yet, and why. */
export function showNothing(missing: string): void {
  setHeadline({ tone: null, text: missing });
  const exit = byId("exit");
  exit.textContent = "";
  delete exit.dataset.exit;
  showSentence(null);
  byId("verdicts").replaceChildren();
  showFacts({});
}

function showSentence(text: string | null): void {
  byId("complete").hidden = text === null;
  byId("complete").textContent = text;
}

function setHeadline({ tone, text }: { tone: Headline["tone"] | null; text: string }): void {
  const headline = byId("headline");
  headline.className = tone ?? "";
  headline.textContent = text;
}

function verdictRow(verdict: Verdict, at: number): HTMLElement {
  const { word, tone } = STATUS_WORDS[verdict.status];
  return make(
    "li",
    { "data-check": verdict.check, "data-status": verdict.status },
    make("span", { class: `word ${tone}` }, word),
    `${at + 1}. ${CLAIMS[verdict.check]}`,
    make("small", {}, `${verdict.check}: ${verdict.detail}`),
  );
}

function showFacts(facts: Facts): void {
  const shown = Object.entries(facts).filter(([, value]) => value !== "");
  byId("said").hidden = shown.length === 0;
  byId("facts").replaceChildren(
    ...shown.flatMap(([name, value]) => [
      make("dt", {}, FACT_NAMES[name] ?? name),
      make("dd", {}, spell(name, value)),
    ]),
  );
}

function spell(name: string, value: string): string {
  if (name === "recorded_at") return `${formatTime(value)} UTC`;
  if (name !== "anchored_at") return value;
  return `${formatTime(new Date(Number(value) * 1000).toISOString())} UTC`;
}

/** Every input, what it is for, and from which file it was read. */
export function showInputs(
  given: ProofFiles,
  names: Readonly<Partial<Record<Part, string>>>,
  remove: (part: Part) => void,
): void {
  byId("inputs").replaceChildren(...partsOf(given).map((part) => inputRow(part)));

  function inputRow(part: Part): HTMLElement {
    const row = make("li", { "data-part": part }, make("code", {}, fileName(part)));
    row.append(make("small", {}, roleOf(part)));
    if (!given[part]) {
      row.append(make("span", { class: "word" }, "none"));
      return row;
    }
    const button = make("button", { type: "button", "aria-label": `Remove ${fileName(part)}` });
    button.append("Remove");
    button.addEventListener("click", () => remove(part));
    row.append(make("span", { class: "word good" }, `from ${names[part] ?? "a file"}`), button);
    return row;
  }
}
