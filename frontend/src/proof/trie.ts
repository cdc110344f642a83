/**
 * Merkle-Patricia proofs, as `eth_getProof` (EIP-1186) gives them, read strictly. Twin of
 * anchoring/trie_proof.py. The walk uses each node of the list exactly once: a node beside the path
 * would be bytes that nothing checks. Ethereum Yellow Paper, appendix D.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { equal } from "./bytes.ts";
import { MalformedInput, VerificationFailed } from "./errors.ts";
import { decodeRlpList, type RlpItem } from "./rlp.ts";

const BRANCH_ITEMS = 17;
const NO_VALUE = "the trie holds no value for the key";

/** The value of `key` (its raw bytes in the trie) proven under `root`; absence is never a success. */
export function verifyTrieValue(
  root: Uint8Array,
  key: Uint8Array,
  proof: readonly Uint8Array[],
): Uint8Array {
  const nodes = [...proof];
  let remaining = toNibbles(key);
  let reference: RlpItem = root;
  for (;;) {
    const node = resolve(reference, nodes);
    if (node.length === BRANCH_ITEMS) {
      const [nibble, ...rest] = remaining;
      if (nibble === undefined) return finish(node[16], nodes);
      reference = node[nibble] as RlpItem;
      remaining = rest;
    } else if (node.length === 2) {
      const { path, isLeaf } = decodePath(node[0]);
      if (isLeaf) {
        if (!samePath(path, remaining)) throw new VerificationFailed(NO_VALUE);
        return finish(node[1], nodes);
      }
      if (path.length === 0 || !samePath(path, remaining.slice(0, path.length))) {
        throw new VerificationFailed(NO_VALUE);
      }
      remaining = remaining.slice(path.length);
      reference = node[1] as RlpItem;
    } else {
      throw new MalformedInput("a trie node has neither 2 nor 17 items");
    }
  }
}

function resolve(reference: RlpItem, nodes: Uint8Array[]): RlpItem[] {
  if (Array.isArray(reference)) return reference;
  if (reference.length !== 32) throw new VerificationFailed(NO_VALUE);
  const data = nodes.shift();
  if (data === undefined) throw new VerificationFailed("the trie proof ends before the value");
  if (!equal(keccak_256(data), reference)) {
    throw new VerificationFailed("a trie node does not have the hash its parent names");
  }
  if (data.length === 1 && data[0] === 0x80) throw new VerificationFailed("the trie is empty");
  return decodeRlpList(data, "a trie node");
}

/** A hex-prefix path: its nibbles, and whether the node is a leaf. */
function decodePath(encoded: RlpItem | undefined): { path: number[]; isLeaf: boolean } {
  if (!(encoded instanceof Uint8Array) || encoded.length === 0 || (encoded[0] as number) >> 4 > 3) {
    throw new MalformedInput("a trie node's path is not hex-prefix encoded");
  }
  const nibbles = toNibbles(encoded);
  const [flags = 0, padding = 0] = nibbles;
  const isOdd = (flags & 1) === 1;
  if (!isOdd && padding !== 0) {
    throw new MalformedInput("a trie node's path has a non-zero padding");
  }
  return { path: nibbles.slice(isOdd ? 1 : 2), isLeaf: (flags & 2) !== 0 };
}

function finish(value: RlpItem | undefined, nodes: readonly Uint8Array[]): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length === 0) throw new VerificationFailed(NO_VALUE);
  if (nodes.length > 0) throw new VerificationFailed("the trie proof has nodes beside the path");
  return value;
}

function toNibbles(key: Uint8Array): number[] {
  return Array.from(key).flatMap((byte) => [byte >> 4, byte & 15]);
}

function samePath(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((nibble, at) => nibble === right[at]);
}
