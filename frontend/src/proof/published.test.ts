// @vitest-environment node
/** The vectors that are published with the formats (docs/vectors), by this verifier. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { partByName } from "../pages/verify/bundleFiles.ts";
import { verifyBatch } from "./batchProof.ts";
import { utf8 } from "./bytes.ts";
import { parseBase64, parseHex } from "./encoding.ts";
import { ProofError } from "./errors.ts";
import { type ProofFiles, verifyFiles } from "./files.ts";
import { verifyInclusion } from "./merkle.ts";
import { verifyRange } from "./rangeProof.ts";
import { verifySubtreeConsistency } from "./subtree.ts";

const FOLDER = fileURLToPath(new URL("../../../docs/vectors", import.meta.url));
const read = <Document>(name: string): Document =>
  JSON.parse(readFileSync(`${FOLDER}/${name}.json`, "utf8"));

interface Published {
  readonly trust: Readonly<Record<string, string>>;
  readonly vectors: readonly {
    readonly name: string;
    readonly files: Readonly<Record<string, { text?: string; base64?: string }>>;
    readonly exit_code: number;
    readonly verdicts: Readonly<Record<string, string>> | null;
  }[];
}

function toFiles(trust: Published["trust"], files: Published["vectors"][number]["files"]) {
  const given = Object.entries(files).map(([name, { text, base64 }]) => [
    partByName(name),
    text === undefined ? parseBase64(base64 ?? "", name) : utf8(text),
  ]);
  const trusted = Object.entries(trust).map(([name, text]) => [partByName(name), utf8(text)]);
  return Object.fromEntries([...trusted, ...given]) as ProofFiles;
}

describe.each(["proofs", "completeness", "erasure"])("%s.json", (document) => {
  const { trust, vectors } = read<Published>(document);
  it.each(vectors.map((each) => [each.name, each] as const))("%s", (_name, vector) => {
    const outcome = verifyFiles(toFiles(trust, vector.files));
    if (outcome.kind === "refused") {
      expect([vector.exit_code, vector.verdicts ?? {}]).toEqual([2, {}]);
      return;
    }
    const { report } = outcome;
    const found = report.verdicts.map(({ check, status }) => [check, status]);
    if (vector.verdicts) expect(Object.fromEntries(found)).toEqual(vector.verdicts);
    expect(report.exitCode).toBe(vector.exit_code);
  });
});

type Hex = string;
type Case<Claim> = Claim & { readonly holds: boolean; readonly hashes: readonly Hex[] };

interface Trees {
  readonly inclusion: Case<{ leaf: Hex; index: number; size: number; root: Hex }>[];
  readonly consistency: Case<{
    first: number;
    first_root: Hex;
    second: number;
    second_root: Hex;
  }>[];
  readonly batch: Case<{ leaves: Hex[]; indices: number[]; size: number; root: Hex }>[];
  readonly range: (Omit<
    Case<{ leaves: Hex[]; start: number; size: number; root: Hex }>,
    "hashes"
  > & {
    left: Hex[];
    first_subtree: Hex[];
    second_subtree?: Hex[];
  })[];
}

const hash = (text: Hex) => parseHex(text, "a hash");

function holds(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    return false;
  }
}

describe("trees.json", () => {
  const trees = read<Trees>("trees");

  it.each(trees.inclusion.map((each, at) => [at, each] as const))("inclusion %i", (_at, each) => {
    const [index, size] = [BigInt(each.index), BigInt(each.size)];
    const path = each.hashes.map(hash);
    const check = () => verifyInclusion(hash(each.leaf), index, size, path, hash(each.root));
    expect(holds(check)).toBe(each.holds);
  });

  it.each(trees.consistency.map((each, at) => [at, each] as const))(
    "consistency %i",
    (_at, each) => {
      const [first, second] = [BigInt(each.first), BigInt(each.second)];
      const [old, now] = [hash(each.first_root), hash(each.second_root)];
      const path = each.hashes.map(hash);
      const check = () => verifySubtreeConsistency(0n, first, second, path, old, now);
      expect(holds(check)).toBe(each.holds);
    },
  );

  it.each(trees.batch.map((each, at) => [at, each] as const))("batch %i", (_at, each) => {
    const [leaves, hashes] = [each.leaves.map(hash), each.hashes.map(hash)];
    const indices = each.indices.map(BigInt);
    const check = () => verifyBatch(leaves, indices, BigInt(each.size), hashes, hash(each.root));
    expect(holds(check)).toBe(each.holds);
  });

  it.each(trees.range.map((each, at) => [at, each] as const))("range %i", (_at, each) => {
    const paths = [each.first_subtree, each.second_subtree].filter((path) => path !== undefined);
    const hashes = {
      left: each.left.map(hash),
      subtrees: paths.map((path) => path.map(hash)),
    };
    const [start, size] = [BigInt(each.start), BigInt(each.size)];
    const check = () => verifyRange(each.leaves.map(hash), start, size, hashes, hash(each.root));
    expect(holds(check)).toBe(each.holds);
  });
});
