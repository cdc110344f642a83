// @vitest-environment node
/** Vectors of other projects, where they lie beside the checkout. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { fromLatin1, utf8 } from "./bytes.ts";
import { parseCheckpointText } from "./checkpointText.ts";
import { isSignedBy } from "./ed25519.ts";
import { parseBase64, parseHex } from "./encoding.ts";
import { verifyInclusion } from "./merkle.ts";
import { openNote, parseNote } from "./note.ts";
import { parseTlogProof } from "./tlogProof.ts";
import { parseVkey } from "./vkey.ts";

vi.setConfig({ testTimeout: 60_000 }); // hundreds of signatures, and a loaded machine

const FOLDER = fileURLToPath(new URL("../../../../shared/vectors", import.meta.url));
const absent = !existsSync(FOLDER);
const REASON = absent ? " (skipped: ../shared/vectors is not on this machine)" : "";

const read = <Document>(name: string): Document =>
  JSON.parse(readFileSync(`${FOLDER}/${name}`, "utf8"));

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

function accepts(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

interface Inclusion {
  leafIdx: number;
  treeSize: number;
  root: string;
  leafHash: string;
  proof: string[] | null;
  wantErr: boolean;
}

interface Signed {
  key: string;
  sig: string;
  msg: string;
  flags: string[] | null;
}

describe.skipIf(absent)(`foreign vectors${REASON}`, () => {
  it("inclusion proofs of transparency-dev/merkle", () => {
    const paths = filesBelow(`${FOLDER}/merkle/testdata/inclusion`);
    expect(paths).toHaveLength(98);
    for (const path of paths) {
      const vector = JSON.parse(readFileSync(path, "utf8")) as Inclusion;
      const hash = (text: string) => parseBase64(text, "a hash");
      const accepted = accepts(() =>
        verifyInclusion(
          hash(vector.leafHash),
          BigInt(vector.leafIdx),
          BigInt(vector.treeSize),
          (vector.proof ?? []).map(hash),
          hash(vector.root),
        ),
      );
      expect(accepted, path).toBe(!vector.wantErr);
    }
  });

  it("Ed25519 edge cases: the same 208 of 914 as OpenSSL", () => {
    const vectors = read<Signed[]>("ed25519/ed25519vectors.json");
    const accepted = vectors.filter(({ key, sig, msg }) =>
      isSignedBy(parseHex(key, "key"), parseHex(sig, "signature"), utf8(msg)),
    );
    const flagged = (flag: string) => accepted.filter(({ flags }) => flags?.includes(flag)).length;
    expect([vectors.length, accepted.length]).toEqual([914, 208]);
    expect([flagged("non_canonical_A"), flagged("non_canonical_R")]).toEqual([36, 0]);
  });

  it("checkpoints of transparency-dev/formats", () => {
    const { accept, reject } = read<{ accept: [string, string, number][]; reject: string[] }>(
      "formats/checkpoint_parse.json",
    );
    // Their roots are texts of other lengths; ours has 32 bytes, so only the rejects are shared.
    expect(accept.length).toBeGreaterThan(0);
    for (const text of reject)
      expect(
        accepts(() => parseCheckpointText(text)),
        text,
      ).toBe(false);
  });

  it("proof files of transparency-dev/formats", () => {
    const { golden, reject } = read<{
      golden: { index: number; text: string; hash_preimages: string[]; checkpoint: string }[];
      reject: string[];
    }>("formats/tlog_proof.json");
    for (const each of golden) {
      const proof = parseTlogProof(utf8(each.text));
      expect(proof.index).toBe(BigInt(each.index));
      expect(proof.hashes).toHaveLength(each.hash_preimages.length);
      expect(proof.checkpoint).toEqual(utf8(each.checkpoint));
    }
    for (const text of reject)
      expect(
        accepts(() => parseTlogProof(utf8(text))),
        text,
      ).toBe(false);
  });

  it("signed notes of golang/mod", () => {
    const vectors = read<{
      accept: { note: string; trusted: string[]; verified: number; unverified: number }[];
    }>("sumdb/note.json");
    for (const each of vectors.accept) {
      const opened = accepts(() => {
        const found = openNote(parseNote(utf8(each.note)), each.trusted.map(parseVkey));
        expect([found.verified.length, found.unknown.length]).toEqual([
          each.verified,
          each.unverified,
        ]);
      });
      expect(opened, each.note).toBe(true);
    }
  });
});

describe("Ed25519", () => {
  it("RFC 8032 test 1, and the same with one bit changed", () => {
    const key = parseHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "key");
    const signature = parseHex(
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac" +
        "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
      "signature",
    );
    const nothing = new Uint8Array();
    expect(isSignedBy(key, signature, nothing)).toBe(true);
    expect(isSignedBy(key, signature, fromLatin1("x"))).toBe(false);
    signature[40] = (signature[40] as number) ^ 1;
    expect(isSignedBy(key, signature, nothing)).toBe(false);
    expect(isSignedBy(key, signature.slice(1), nothing)).toBe(false);
  });
});
