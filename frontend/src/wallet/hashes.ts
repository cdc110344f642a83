/** The three EIP-712 hashes of a trade, computed here and never taken from the server. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { concat, fromBigInt, utf8 } from "../proof/bytes.ts";
import { parseHex, withPrefix } from "../proof/encoding.ts";
import {
  type Address,
  DOMAIN_MEMBERS,
  DOMAIN_NAME,
  DOMAIN_VERSION,
  type Domain,
  TRADE_MEMBERS,
  type Trade,
} from "./trade.ts";

export interface TradeHashes {
  readonly domainSeparator: string;
  readonly structHash: string;
  readonly digest: string;
}

const DOMAIN_TYPE_HASH = typeHash("EIP712Domain", DOMAIN_MEMBERS);
const TRADE_TYPE_HASH = typeHash("Trade", TRADE_MEMBERS);

/** digest = keccak256(0x19 0x01 || domain separator || struct hash). */
export function hashTrade(trade: Trade, domain: Domain): TradeHashes {
  const separator = keccak_256(
    concat(
      DOMAIN_TYPE_HASH,
      keccak_256(utf8(DOMAIN_NAME)),
      keccak_256(utf8(DOMAIN_VERSION)),
      toWord(domain.chainId),
      toWord(domain.contract),
    ),
  );
  const words = TRADE_MEMBERS.map(({ name }) => toWord(trade[name]));
  const struct = keccak_256(concat(TRADE_TYPE_HASH, ...words));
  const digest = keccak_256(concat(Uint8Array.of(0x19, 0x01), separator, struct));
  return {
    domainSeparator: withPrefix(separator),
    structHash: withPrefix(struct),
    digest: withPrefix(digest),
  };
}

function typeHash(name: string, members: readonly { name: string; type: string }[]): Uint8Array {
  const fields = members.map((member) => `${member.type} ${member.name}`);
  return keccak_256(utf8(`${name}(${fields.join(",")})`));
}

function toWord(value: bigint | Address): Uint8Array {
  if (typeof value === "bigint") return fromBigInt(value, 32);
  return concat(new Uint8Array(12), parseHex(value.slice(2).toLowerCase(), "an address", 20));
}
