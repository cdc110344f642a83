/**
 * Evidence that a checkpoint stands on a chain: the `.anchor` file. Twin of anchoring/ethproof.py.
 *
 * A block header and Merkle-Patricia proofs from its state root to the two storage slots of the
 * registry: slot 0 packs the size (low 64 bits) and the time (next 64 bits), slot 1 is the root. The
 * one thing it cannot hold is trust in the block.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { type Bytes, equal, fromBigInt, toBigInt } from "./bytes.ts";
import { type JsonObject, type JsonValue, parseCanonicalObject } from "./canonical.ts";
import { parseHex } from "./encoding.ts";
import { MalformedInput, VerificationFailed } from "./errors.ts";
import { decodeRlp, decodeRlpList, type RlpItem } from "./rlp.ts";
import { verifyTrieValue } from "./trie.ts";

const FORMAT = "tallystick/anchor@v1";
export const MAX_ANCHOR_FILE_BYTES = 1_000_000;
const [SIZE_SLOT, ROOT_SLOT] = [0n, 1n];
const [STATE_ROOT_FIELD, NUMBER_FIELD, MIN_HEADER_FIELDS] = [3, 8, 15];
const UINT64 = 2n ** 64n;

const STRING_FIELDS = ["block_hash", "format", "header", "registry", "root"];
const INTEGER_FIELDS = ["block_number", "chain_id", "size"];
const LIST_FIELDS = ["account_proof", "root_proof", "size_proof"];

/** An `.anchor` file taken apart; nothing of it is verified. */
export interface AnchorEvidence {
  readonly chainId: bigint;
  readonly registry: Bytes;
  readonly size: bigint;
  readonly root: Bytes;
  readonly blockNumber: bigint;
  readonly blockHash: Bytes;
  readonly header: Bytes;
  readonly accountProof: readonly Bytes[];
  readonly sizeProof: readonly Bytes[];
  readonly rootProof: readonly Bytes[];
}

/** What evidence proves of its block: the registry's head and the code that holds it. */
export interface AnchoredState {
  readonly size: bigint;
  readonly time: bigint;
  readonly root: Bytes;
  readonly codeHash: Uint8Array;
}

export function parseAnchor(data: Uint8Array): AnchorEvidence {
  if (data.length > MAX_ANCHOR_FILE_BYTES) {
    throw new MalformedInput("the anchor file is longer than 1,000,000 bytes");
  }
  const file = parseCanonicalObject(data, "the anchor file");
  checkShape(file);
  if (file.format !== FORMAT) {
    throw new MalformedInput(`the anchor file's format is not ${FORMAT}`);
  }
  if (INTEGER_FIELDS.some((name) => (file[name] as number) < 0)) {
    throw new MalformedInput("the anchor file holds a negative number");
  }
  const hex = (name: string, what: string, length?: number) =>
    parseHex(file[name] as string, what, length);
  const nodes = (name: string) =>
    (file[name] as string[]).map((node) => parseHex(node, "a trie node"));
  return {
    chainId: BigInt(file.chain_id as number),
    registry: hex("registry", "the registry address", 20),
    size: BigInt(file.size as number),
    root: hex("root", "the anchored root", 32),
    blockNumber: BigInt(file.block_number as number),
    blockHash: hex("block_hash", "the block hash", 32),
    header: hex("header", "the block header"),
    accountProof: nodes("account_proof"),
    sizeProof: nodes("size_proof"),
    rootProof: nodes("root_proof"),
  };
}

function checkShape(file: JsonObject): void {
  const wrong = (name: string) => new MalformedInput(`the anchor file has another shape: ${name}`);
  const known = new Set([...STRING_FIELDS, ...INTEGER_FIELDS, ...LIST_FIELDS]);
  const unknown = Object.keys(file).find((name) => !known.has(name));
  if (unknown !== undefined) throw wrong(`unknown field ${unknown}`);
  for (const name of STRING_FIELDS) if (typeof file[name] !== "string") throw wrong(name);
  for (const name of INTEGER_FIELDS) if (typeof file[name] !== "number") throw wrong(name);
  for (const name of LIST_FIELDS) if (!isStringList(file[name])) throw wrong(name);
}

function isStringList(value: JsonValue | undefined): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** Check everything within the evidence: header hash, state root, account, both slots. */
export function verifyAnchor(evidence: AnchorEvidence): AnchoredState {
  if (!equal(keccak_256(evidence.header), evidence.blockHash)) {
    throw new VerificationFailed("the block header does not have the block hash");
  }
  const header = decodeRlpList(evidence.header, "the block header");
  if (header.length < MIN_HEADER_FIELDS) {
    throw new MalformedInput("the block header has fewer than 15 fields");
  }
  if (toInteger(header[NUMBER_FIELD], "the block number") !== evidence.blockNumber) {
    throw new VerificationFailed("the block header has another number");
  }
  const account = proveAccount(evidence, toBytes(header[STATE_ROOT_FIELD], "the state root"));
  const packed = proveSlot(account.storageRoot, SIZE_SLOT, evidence.sizeProof);
  const root = fromBigInt(proveSlot(account.storageRoot, ROOT_SLOT, evidence.rootProof), 32);
  const [size, time] = [packed % UINT64, packed / UINT64];
  if (time >= UINT64) {
    throw new VerificationFailed("the registry's first slot holds more than two numbers");
  }
  if (size !== evidence.size || !equal(root, evidence.root)) {
    throw new VerificationFailed(`the registry holds another head (size ${size})`);
  }
  return { size, time, root, codeHash: account.codeHash };
}

function proveAccount(
  evidence: AnchorEvidence,
  stateRoot: Uint8Array,
): { storageRoot: Uint8Array; codeHash: Uint8Array } {
  const raw = verifyTrieValue(stateRoot, keccak_256(evidence.registry), evidence.accountProof);
  const account = decodeRlpList(raw, "the registry's account");
  if (account.length !== 4) {
    throw new MalformedInput("the registry's account does not have four fields");
  }
  return {
    storageRoot: toBytes(account[2], "the storage root"),
    codeHash: toBytes(account[3], "the code hash"),
  };
}

function proveSlot(storageRoot: Uint8Array, slot: bigint, proof: readonly Uint8Array[]): bigint {
  const value = verifyTrieValue(storageRoot, keccak_256(fromBigInt(slot, 32)), proof);
  const what = `storage slot ${slot}`;
  return toInteger(decodeRlp(value, what), what);
}

function toInteger(value: RlpItem | undefined, what: string): bigint {
  const data = toBytes(value, what);
  if (data.length > 32 || data[0] === 0) {
    throw new MalformedInput(`${what} is not a canonical integer`);
  }
  return toBigInt(data);
}

function toBytes(value: RlpItem | undefined, what: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new MalformedInput(`${what} is a list`);
  return value;
}
