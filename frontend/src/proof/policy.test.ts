// @vitest-environment node
import { expect, it } from "vitest";
import { concat, toHex, utf8 } from "./bytes.ts";
import { encodeBase64 } from "./encoding.ts";
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
