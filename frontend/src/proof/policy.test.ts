// @vitest-environment node
import { expect, it } from "vitest";
import { concat, toHex, utf8 } from "./bytes.ts";
import { encodeBase64 } from "./encoding.ts";
import { MalformedInput } from "./errors.ts";
import { cosigned, isMet, parsePolicy } from "./policy.ts";
import { ALG_ED25519, ALG_ED25519_COSIGNATURE, makeVkey, type VerifierKey } from "./vkey.ts";

function write({ name, keyId, algorithm, key }: VerifierKey): string {
  return `${name}+${toHex(keyId)}+${encodeBase64(concat(Uint8Array.of(algorithm), key))}`;
}

it("the key of a log never counts as a witness, whatever its name or type", () => {
  const bytes = new Uint8Array(32).fill(7);
  const other = new Uint8Array(32).fill(8);
  const log = makeVkey("log.example", ALG_ED25519, bytes);
  const itself = makeVkey("witness.example", ALG_ED25519_COSIGNATURE, bytes);
  const witness = makeVkey("witness.example", ALG_ED25519_COSIGNATURE, other);
  const text = (key: VerifierKey) => `log ${write(log)}\nwitness w ${write(key)}\nquorum w\n`;
  const own = parsePolicy(utf8(text(itself)));
  expect([isMet(own, [itself]), cosigned(own, [itself]).size]).toEqual([false, 0]);
  const honest = parsePolicy(utf8(text(witness)));
  expect([isMet(honest, [witness]), cosigned(honest, [witness]).size]).toEqual([true, 1]);
});

const witness = makeVkey("witness.example", ALG_ED25519_COSIGNATURE, new Uint8Array(32).fill(8));

function nested(depth: number): Uint8Array {
  const deeper = Array.from({ length: depth - 1 }, (_, at) => `group g${at + 2} any g${at + 1}`);
  const lines = [`witness w ${write(witness)}`, "group g1 any w", ...deeper, `quorum g${depth}`];
  return utf8(`${lines.join("\n")}\n`);
}

it("groups are nested at most 64 deep", () => {
  const policy = parsePolicy(nested(64));
  expect([isMet(policy, [witness]), isMet(policy, [])]).toEqual([true, false]);
});

it.each([65, 900, 4500])(
  "deeper groups are refused on the line that goes too deep (%i)",
  (depth) => {
    const refused = "policy line 66: groups are nested deeper than 64";
    expect(() => parsePolicy(nested(depth))).toThrow(refused);
    expect(() => parsePolicy(nested(depth))).toThrow(MalformedInput);
  },
);
