/** Small helpers over Uint8Array. */

const ENCODER = new TextEncoder();

/** The type of every byte string here; never shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

export function concat(...parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

export function toHex(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += byte.toString(16).padStart(2, "0");
  return text;
}

export function utf8(text: string): Bytes {
  return ENCODER.encode(text) as Bytes;
}

/** One character per byte, so that bytes without an encoding can be split and compared as text. */
export function toLatin1(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += String.fromCharCode(byte);
  return text;
}

export function fromLatin1(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Unsigned, big endian. */
export function toBigInt(data: Uint8Array): bigint {
  return data.length === 0 ? 0n : BigInt(`0x${toHex(data)}`);
}

/** Unsigned, big endian, in `length` bytes; the caller answers for the range. */
export function fromBigInt(value: bigint, length: number): Bytes {
  const data = new Uint8Array(length);
  let rest = value;
  for (let at = length - 1; at >= 0; at -= 1) {
    data[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return data;
}
