"""A party's own key: Web3 Secret Storage V3 keystores, and signing a trade with one.

Keys stay with the parties; the platform's processes never load these. A signature is made
only after the document has been read as our ``Trade`` and turned into a sentence and hashes.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32
from eth_utils.address import to_checksum_address

from backend.kernel.errors import KeyUnavailable
from backend.settlement.errors import TypedDataInvalid
from backend.settlement.sentence import TokenLabel, plain_sentence
from backend.settlement.signatures import canonical_signature
from backend.settlement.typed_data import TradeHashes, hashes, parse_typed_data


class TradeToSign(msgspec.Struct, frozen=True):
    """What a person sees before consenting: the sentence and the three hashes."""

    sentence: str
    hashes: TradeHashes
    party: str


class SignedTypedData(msgspec.Struct, frozen=True):
    """The consent: who signed what, and the 65-byte signature as 0x hex."""

    signer: str
    sentence: str
    hashes: TradeHashes
    signature: str


def create_keystore(path: Path, password: str, *, kdf: str = "scrypt") -> str:
    """Make a new key, write it encrypted with mode 0600, and give its address.

    ``kdf`` is scrypt or pbkdf2. Never replaces a file: raises KeyUnavailable if one is there.
    """
    return save_keystore(path, Account.create(), password, kdf=kdf)


def save_keystore(
    path: Path,
    account: LocalAccount,
    password: str,
    *,
    kdf: str = "scrypt",
    iterations: int | None = None,
) -> str:
    """Write ``account`` as a V3 keystore, mode 0600, and give its address."""
    if kdf not in ("scrypt", "pbkdf2"):
        raise KeyUnavailable("The key derivation function is not known.", kdf=kdf)
    encrypted = Account.encrypt(
        account.key, password, "scrypt" if kdf == "scrypt" else "pbkdf2", iterations
    )
    text = json.dumps(encrypted, sort_keys=True) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyUnavailable("The keystore cannot be created here.", path=path.name) from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return str(account.address)


def load_keystore(path: Path, password: str) -> LocalAccount:
    """The key in a V3 keystore. KeyUnavailable: unreadable, open to others, wrong password."""
    try:
        mode = path.stat().st_mode & 0o077
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnavailable("The keystore cannot be read.", path=path.name) from error
    if mode:
        raise KeyUnavailable("Others may read the keystore; set its mode to 0600.", path=path.name)
    try:
        document = json.loads(text)
        if not isinstance(document, dict):
            raise ValueError("not a JSON object")
        account: LocalAccount = Account.from_key(Account.decrypt(document, password))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise KeyUnavailable(
            "The password is wrong or the file is not a keystore.", path=path.name
        ) from error
    return account


def read_trade(document: Mapping[str, Any], party: str) -> TradeToSign:
    """What ``document`` asks ``party`` to sign.

    ``document`` is bare typed data, or ``{"typed_data": …, "tokens": [{address, symbol,
    decimals, money}]}`` as the API gives it. Raises TypedDataInvalid, SignatureWrongSigner.
    """
    typed_data = document.get("typed_data", document)
    if not isinstance(typed_data, Mapping):
        raise TypedDataInvalid("The typed data is not a JSON object.")
    trade, domain = parse_typed_data(typed_data)
    labels = _labels(document.get("tokens", ())) if "typed_data" in document else {}
    sentence = plain_sentence(trade, domain, party, labels)
    return TradeToSign(sentence, hashes(trade, domain), to_checksum_address(party))


def sign_trade(account: LocalAccount, document: Mapping[str, Any]) -> SignedTypedData:
    """Consent to the trade in ``document`` with the party's key."""
    shown = read_trade(document, account.address)
    signed = account.unsafe_sign_hash(Hash32(shown.hashes.digest))  # deterministic nonce, RFC 6979
    signature = canonical_signature(bytes(signed.signature))
    return SignedTypedData(shown.party, shown.sentence, shown.hashes, "0x" + signature.hex())


def sign_file(
    document_path: Path,
    keystore: Path,
    password: str,
    consent: Callable[[TradeToSign], bool] = lambda shown: True,
) -> SignedTypedData | None:
    """Read, show through ``consent``, sign; None when the person declines (``tally sign``)."""
    try:
        document = json.loads(document_path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise TypedDataInvalid("The file is not readable JSON.", path=document_path.name) from error
    if not isinstance(document, dict):
        raise TypedDataInvalid("The file does not hold a JSON object.", path=document_path.name)
    account = load_keystore(keystore, password)
    return sign_trade(account, document) if consent(read_trade(document, account.address)) else None


def _labels(tokens: Any) -> dict[str, TokenLabel]:
    try:
        rows = msgspec.convert(tokens, list[_LabelRow])
    except msgspec.ValidationError as error:
        raise TypedDataInvalid("The token labels cannot be read.") from error
    return {row.address.lower(): TokenLabel(row.symbol, row.decimals, row.money) for row in rows}


class _LabelRow(msgspec.Struct, forbid_unknown_fields=True):
    address: str
    symbol: str
    decimals: Annotated[int, msgspec.Meta(ge=0, le=36)]
    money: bool = False
