/**
 * The signed object: the contract's `Trade` and the EIP-712 domain, read strictly from typed data.
 * Twin of backend/settlement/trade.py and typed_data.py. What is read here is shown and signed.
 */

export const DOMAIN_NAME = "Tallystick Settlement";
export const DOMAIN_VERSION = "1";

/** The members of the contract's struct, in order. */
export const TRADE_MEMBERS = [
  { name: "id", type: "uint256" },
  { name: "seller", type: "address" },
  { name: "buyer", type: "address" },
  { name: "asset", type: "address" },
  { name: "cash", type: "address" },
  { name: "assetAmount", type: "uint256" },
  { name: "cashAmount", type: "uint256" },
  { name: "minAssetAmount", type: "uint256" },
  { name: "validFrom", type: "uint64" },
  { name: "deadline", type: "uint64" },
] as const;

export const DOMAIN_MEMBERS = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
] as const;

export type Address = `0x${string}`;

/** Where a signature holds: one contract on one chain. */
export interface Domain {
  readonly chainId: bigint;
  readonly contract: Address;
}

/** One delivery versus payment. Amounts are in the tokens' smallest units, times Unix seconds. */
export interface Trade {
  readonly id: bigint;
  readonly seller: Address;
  readonly buyer: Address;
  readonly asset: Address;
  readonly cash: Address;
  readonly assetAmount: bigint;
  readonly cashAmount: bigint;
  readonly minAssetAmount: bigint;
  readonly validFrom: bigint;
  readonly deadline: bigint;
}

/** The typed data is not that of a trade of ours. */
export class TypedDataInvalid extends Error {
  override name = "TypedDataInvalid";
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const PLAIN_INTEGER = /^(?:0|[1-9][0-9]{0,77})$/;
const LIMITS: Record<string, bigint> = { uint256: 2n ** 256n, uint64: 2n ** 64n };

/** EIP-55 letter case carries no meaning here. */
export function sameAddress(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

/** The trade and domain that typed-data JSON holds; throws TypedDataInvalid. */
export function parseTypedData(document: unknown): { trade: Trade; domain: Domain } {
  const whole = readMembers(document, ["types", "primaryType", "domain", "message"], "typed data");
  if (whole.primaryType !== "Trade" || !areOurTypes(whole.types)) {
    throw new TypedDataInvalid("This is not the typed data of a Tallystick trade.");
  }
  const message = readMembers(whole.message, names(TRADE_MEMBERS), "message");
  const domain = readMembers(whole.domain, names(DOMAIN_MEMBERS), "domain");
  if (domain.name !== DOMAIN_NAME || domain.version !== DOMAIN_VERSION) {
    throw new TypedDataInvalid("The typed data is for another application.");
  }
  const values = TRADE_MEMBERS.map(({ name, type }) => [name, readValue(message[name], type)]);
  return {
    trade: Object.fromEntries(values) as Trade,
    domain: {
      chainId: readInteger(domain.chainId, "uint256"),
      contract: readAddress(domain.verifyingContract),
    },
  };
}

function names(members: readonly { name: string }[]): string[] {
  return members.map(({ name }) => name);
}

function readMembers(
  value: unknown,
  expected: readonly string[],
  where: string,
): Record<string, unknown> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const found = isObject ? Object.keys(value) : [];
  if (found.length !== expected.length || !expected.every((name) => found.includes(name))) {
    throw new TypedDataInvalid(`The ${where} lacks a member or has an unknown one.`);
  }
  return value as Record<string, unknown>;
}

function areOurTypes(types: unknown): boolean {
  const found = types as Record<string, unknown> | null;
  if (typeof found !== "object" || found === null || Object.keys(found).length !== 2) return false;
  return sameMembers(found.EIP712Domain, DOMAIN_MEMBERS) && sameMembers(found.Trade, TRADE_MEMBERS);
}

function sameMembers(found: unknown, expected: readonly { name: string; type: string }[]): boolean {
  if (!Array.isArray(found) || found.length !== expected.length) return false;
  return expected.every(({ name, type }, at) => {
    const member = found[at] as Record<string, unknown> | null;
    return (
      typeof member === "object" &&
      member !== null &&
      Object.keys(member).length === 2 &&
      member.name === name &&
      member.type === type
    );
  });
}

function readValue(value: unknown, type: string): bigint | Address {
  return type === "address" ? readAddress(value) : readInteger(value, type);
}

function readInteger(value: unknown, type: string): bigint {
  const plain =
    (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) ||
    (typeof value === "string" && PLAIN_INTEGER.test(value));
  if (!plain) throw new TypedDataInvalid("A number of the typed data is not a plain integer.");
  const found = BigInt(value as string | number);
  if (found >= (LIMITS[type] as bigint)) {
    throw new TypedDataInvalid("The number does not fit its unsigned type.");
  }
  return found;
}

function readAddress(value: unknown): Address {
  if (typeof value !== "string" || !ADDRESS.test(value)) {
    throw new TypedDataInvalid("This is not an address of 20 bytes.");
  }
  return value as Address;
}
