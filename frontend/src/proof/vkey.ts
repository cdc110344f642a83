/** Verifier keys of signed notes: `name+hex8(key id)+base64(type || key)`, C2SP signed-note. */

import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, equal, utf8 } from "./bytes.ts";
import { parseBase64, parseHex } from "./encoding.ts";
import { MalformedInput } from "./errors.ts";

export const ALG_ED25519 = 0x01;
export const ALG_ED25519_COSIGNATURE = 0x04;
export const ALG_MLDSA44_COSIGNATURE = 0x06;

const KEY_LENGTHS = new Map([
  [ALG_ED25519, 32],
  [ALG_ED25519_COSIGNATURE, 32],
  [ALG_MLDSA44_COSIGNATURE, 1312],
]);

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x09\x0b-\x1f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: Unicode white space, as a note forbids it
const SPACE = /[\x09-\x0d\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

export interface VerifierKey {
  readonly name: string;
  readonly keyId: Bytes;
  readonly algorithm: number;
  readonly key: Bytes;
}

export function sameKey(left: VerifierKey, right: VerifierKey): boolean {
  return (
    left.name === right.name &&
    left.algorithm === right.algorithm &&
    equal(left.keyId, right.keyId) &&
    equal(left.key, right.key)
  );
}

/** Whether a text holds a control character other than the newline. */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

/** A key name that may stand in a note; throws MalformedInput. */
export function checkName(name: string): string {
  if (name === "" || name.includes("+") || CONTROL.test(name)) {
    throw new MalformedInput("a key name is empty or holds '+' or a control character");
  }
  if (SPACE.test(name)) throw new MalformedInput("a key name holds a space");
  return name;
}

/** SHA-256(name || 0x0A || type || key)[:4]. */
export function computeKeyId(name: string, algorithm: number, key: Uint8Array): Bytes {
  const preimage = concat(utf8(name), Uint8Array.of(0x0a, algorithm), key);
  return sha256(preimage).slice(0, 4) as Bytes;
}

export function makeVkey(name: string, algorithm: number, key: Bytes): VerifierKey {
  if (KEY_LENGTHS.get(algorithm) !== key.length) {
    const type = `0x${algorithm.toString(16).padStart(2, "0")}`;
    throw new MalformedInput(`no key of ${key.length} bytes has the signature type ${type}`);
  }
  return { name: checkName(name), keyId: computeKeyId(name, algorithm, key), algorithm, key };
}

/** Parse `name+id+key`: split at the first two plus signs only, since base64 has one of its own. */
export function parseVkey(text: string): VerifierKey {
  const first = text.indexOf("+");
  const second = text.indexOf("+", first + 1);
  if (first < 0 || second < 0) throw new MalformedInput("a verifier key is name+id+key");
  const [name, keyId] = [text.slice(0, first), text.slice(first + 1, second)];
  const data = parseBase64(text.slice(second + 1), "the verifier key");
  if (data.length === 0) throw new MalformedInput("a verifier key is empty");
  const vkey = makeVkey(name, data[0] as number, data.slice(1));
  if (!equal(parseHex(keyId, "the key id", 4), vkey.keyId)) {
    throw new MalformedInput(`the key id ${keyId} does not belong to the verifier key ${name}`);
  }
  return vkey;
}
