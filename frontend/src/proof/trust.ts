/** The `trust` file: which registry on which chain, and the blocks that the user trusts. */

import type { Bytes } from "./bytes.ts";
import { parseDecimal, parsePrefixedHex, parseUtf8 } from "./encoding.ts";
import { MalformedInput } from "./errors.ts";

const HEADER = "tallystick trust v1";

/** What the user takes as given about the chain. `blocks` maps a block's number to its hash. */
export interface Trust {
  readonly chainId: bigint;
  readonly registry: Bytes;
  readonly codeHash: Bytes | null;
  readonly blocks: ReadonlyMap<bigint, Bytes>;
}

export function parseTrust(data: Uint8Array): Trust {
  const lines = parseUtf8(data, "the trust file").split("\n");
  if (lines.pop() !== "" || lines.length < 3 || lines[0] !== HEADER) {
    throw new MalformedInput(`the trust file has no line '${HEADER}', chain, registry and newline`);
  }
  const [, chainLine = "", registryLine = "", ...rest] = lines;
  const chainId = parseDecimal(valueAfter(chainLine, "chain"), "the chain id");
  const registry = parsePrefixedHex(
    valueAfter(registryLine, "registry"),
    "the registry address",
    20,
  );
  let codeHash: Bytes | null = null;
  if (rest[0]?.startsWith("code ")) {
    codeHash = parsePrefixedHex(valueAfter(rest.shift() ?? "", "code"), "the code hash", 32);
  }
  return { chainId, registry, codeHash, blocks: parseBlocks(rest) };
}

function parseBlocks(lines: readonly string[]): Map<bigint, Bytes> {
  const blocks = new Map<bigint, Bytes>();
  let highest = -1n;
  for (const line of lines) {
    const [numberWord, hashWord] = partition(valueAfter(line, "block"));
    const number = parseDecimal(numberWord, "a block number");
    if (number <= highest)
      throw new MalformedInput("the trusted blocks are not in ascending order");
    blocks.set(number, parsePrefixedHex(hashWord, "a block hash", 32));
    highest = number;
  }
  return blocks;
}

function valueAfter(line: string, word: string): string {
  const [head, value] = partition(line);
  if (head !== word || value === "") {
    throw new MalformedInput(`the trust file has no ${word} line where one belongs`);
  }
  return value;
}

function partition(text: string): [string, string] {
  const at = text.indexOf(" ");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
