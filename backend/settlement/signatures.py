"""Who signed a digest: canonical secp256k1 recovery, with the reasons for a refusal told apart."""

from collections.abc import Iterable

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from backend.settlement.errors import (
    SignatureInvalid,
    SignatureWrongDomain,
    SignatureWrongSigner,
)
from backend.settlement.trade import Domain, Trade, same_address
from backend.settlement.typed_data import hashes

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
# Chains that wallets stand on by default: Ethereum, OP, BNB, Polygon, Base, Arbitrum, local
# nodes, Sepolia. A signature made on one of them is named as such, not as a stranger's.
USUAL_CHAINS = (1, 10, 56, 137, 1337, 8453, 31337, 42161, 11155111)


def canonical_signature(signature: bytes) -> bytes:
    """The 65-byte form r ‖ s ‖ v (v 27 or 28) of a 64-byte (EIP-2098) or 65-byte signature.

    v of 0 and 1, as some hardware wallets give it, is accepted. Raises SignatureInvalid,
    also for s above half the order (EIP-2): the mirrored form would be a second signature.
    """
    if len(signature) == 64:
        packed = int.from_bytes(signature[32:], "big")
        r, s, parity = signature[:32], packed & ((1 << 255) - 1), packed >> 255
    elif len(signature) == 65 and signature[64] in (0, 1, 27, 28):
        r, s, parity = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64] % 27
    else:
        raise SignatureInvalid("The signature is not 64 or 65 bytes r, s, v.", bytes=len(signature))
    if not 0 < int.from_bytes(r, "big") < _ORDER or not 0 < s < _ORDER:
        raise SignatureInvalid("The signature's numbers are out of range.")
    if s > _ORDER // 2:
        raise SignatureInvalid("The signature is in its malleable form (high s).")
    return r + s.to_bytes(32, "big") + bytes([27 + parity])


def recover_signer(digest: bytes, signature: bytes) -> str:
    """The checksummed address whose key signed ``digest``. Raises SignatureInvalid."""
    canonical = canonical_signature(signature)
    vrs = (
        canonical[64] - 27,
        int.from_bytes(canonical[:32], "big"),
        int.from_bytes(canonical[32:64], "big"),
    )
    try:
        key = Signature(vrs=vrs).recover_public_key_from_msg_hash(digest)
    except (BadSignature, ValidationError) as error:
        raise SignatureInvalid("No key can have made this signature.") from error
    return key.to_checksum_address()


def verify_trade_signature(
    trade: Trade,
    domain: Domain,
    signature: bytes,
    expected: str,
    other_domains: Iterable[Domain] = (),
) -> bytes:
    """The canonical 65 bytes, when ``expected`` signed ``trade`` for ``domain``.

    Raises SignatureInvalid, SignatureWrongDomain (the party signed the same terms for one of
    ``other_domains``, or for a usual chain with the same contract), SignatureWrongSigner.
    """
    signer = recover_signer(hashes(trade, domain).digest, signature)
    if same_address(signer, expected):
        return canonical_signature(signature)
    elsewhere = [*other_domains, *(Domain(chain, domain.contract) for chain in USUAL_CHAINS)]
    for other in elsewhere:
        if same_address(recover_signer(hashes(trade, other).digest, signature), expected):
            raise SignatureWrongDomain(
                "The trade was signed for another chain or contract.",
                signed_chain_id=other.chain_id,
                signed_contract=other.contract,
                expected_chain_id=domain.chain_id,
                expected_contract=domain.contract,
            )
    raise SignatureWrongSigner(
        "The signature is not the party's.", expected=expected, recovered=signer
    )
