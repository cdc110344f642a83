/** Recursive Length Prefix (Ethereum Yellow Paper, appendix B), canonical encodings only. */

import { MalformedInput } from "./errors.ts";

export type RlpItem = Uint8Array | RlpItem[];

/** Headers are flat and trie nodes embed a few others; deeper bytes are hostile. */
const MAX_NESTING = 64;

class RlpReader {
  private at = 0;

  constructor(
    private readonly data: Uint8Array,
    private readonly what: string,
  ) {}

  readWhole(): RlpItem {
    const item = this.readItem(this.data.length, 0);
    if (this.at !== this.data.length) throw this.refuse();
    return item;
  }

  private readItem(end: number, depth: number): RlpItem {
    const first = this.readByte(end);
    if (first < 0x80) return this.data.subarray(this.at - 1, this.at);
    const isList = first >= 0xc0;
    const short = first - (isList ? 0xc0 : 0x80);
    const length = short < 56 ? short : this.readLength(short - 55, end);
    const stop = this.at + length;
    if (stop > end) throw this.refuse();
    if (isList) return this.readItems(stop, depth);
    const item = this.data.subarray(this.at, stop);
    if (length === 1 && (item[0] as number) < 0x80) throw this.refuse();
    this.at = stop;
    return item;
  }

  private readItems(stop: number, depth: number): RlpItem[] {
    if (depth >= MAX_NESTING) throw this.refuse();
    const items: RlpItem[] = [];
    while (this.at < stop) items.push(this.readItem(stop, depth + 1));
    return items;
  }

  private readLength(bytes: number, end: number): number {
    let length = 0;
    for (let count = 0; count < bytes; count += 1) {
      const byte = this.readByte(end);
      if (count === 0 && byte === 0) throw this.refuse();
      length = length * 256 + byte;
    }
    if (length < 56) throw this.refuse();
    return length;
  }

  private readByte(end: number): number {
    const byte = this.data[this.at];
    if (byte === undefined || this.at >= end) throw this.refuse();
    this.at += 1;
    return byte;
  }

  private refuse(): MalformedInput {
    return new MalformedInput(`${this.what} is not RLP`);
  }
}

/** One item that takes up all of `data`; throws MalformedInput. */
export function decodeRlp(data: Uint8Array, what: string): RlpItem {
  return new RlpReader(data, what).readWhole();
}

export function decodeRlpList(data: Uint8Array, what: string): RlpItem[] {
  const value = decodeRlp(data, what);
  if (value instanceof Uint8Array) throw new MalformedInput(`${what} is not an RLP list`);
  return value;
}
