"""Securities identifiers and their check digits: ISIN, CUSIP, FIGI.

Each ``checked_*`` returns the text unchanged or raises IdentifierInvalid. Only the written
form is accepted (upper case, no blanks): a register must not hold one code in two spellings.
"""

import re
from collections.abc import Callable, Iterable

from backend.securities.errors import IdentifierInvalid

_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
_CUSIP = re.compile(r"[A-Z0-9*@#]{8}[0-9]")
_FIGI = re.compile(r"[B-DF-HJ-NP-TV-Z]{2}G[B-DF-HJ-NP-TV-Z0-9]{8}[0-9]")
_TICKER = re.compile(r"[A-Z0-9](?:[A-Z0-9.-]{0,14}[A-Z0-9])?")
_MIC = re.compile(r"[A-Z0-9]{4}")

# The FIGI standard excludes these, so that no FIGI can be mistaken for an ISIN.
_FIGI_EXCLUDED = ("BS", "BM", "GG", "GB", "GH", "KY", "VG")
_CUSIP_SPECIAL = {"*": 36, "@": 37, "#": 38}


def checked_isin(text: str) -> str:
    """An International Securities Identification Number (ISO 6166). Raises IdentifierInvalid."""
    return _checked("ISIN", text, _ISIN, isin_check_digit)


def checked_cusip(text: str) -> str:
    """A CUSIP number (ANSI X9.6). Raises IdentifierInvalid."""
    return _checked("CUSIP", text, _CUSIP, cusip_check_digit)


def checked_figi(text: str) -> str:
    """A Financial Instrument Global Identifier (ANSI X9.145). Raises IdentifierInvalid."""
    if text[:2] in _FIGI_EXCLUDED:
        raise IdentifierInvalid("The FIGI has a reserved prefix.", value=text[:32])
    return _checked("FIGI", text, _FIGI, figi_check_digit)


def checked_ticker(text: str) -> str:
    """A ticker as its market writes it: 1 to 16 of A-Z, 0-9, inner ``.`` and ``-``."""
    return _checked("ticker", text, _TICKER)


def checked_mic(text: str) -> str:
    """A Market Identifier Code by its form (ISO 10383: four of A-Z and 0-9)."""
    return _checked("MIC", text, _MIC)


def isin_check_digit(body: str) -> str:
    """The digit for the first 11 characters: Luhn over letters written as 10 to 35 (ISO 6166)."""
    digits = "".join(str(int(character, 36)) for character in body)
    total = sum(
        sum(divmod(int(digit) * (2 if place % 2 == 0 else 1), 10))
        for place, digit in enumerate(reversed(digits))
    )
    return str(-total % 10)


def cusip_check_digit(body: str) -> str:
    """The digit for the first 8 characters: modulus 10 double-add-double."""
    return _double_add_double(
        _CUSIP_SPECIAL[c] if c in _CUSIP_SPECIAL else int(c, 36) for c in body
    )


def figi_check_digit(body: str) -> str:
    """The digit for the first 11 characters: modulus 10 double-add-double."""
    return _double_add_double(int(character, 36) for character in body)


def isin_of(country: str, national: str) -> str:
    """The ISIN of a national number: zero-padded to nine characters, with its check digit.

    Raises IdentifierInvalid when the parts cannot make one.
    """
    body = country.upper() + national.rjust(9, "0")
    if re.fullmatch(r"[A-Z]{2}[A-Z0-9]{9}", body) is None:
        raise IdentifierInvalid("No ISIN can be made of these parts.", value=body[:32])
    return body + isin_check_digit(body)


def _double_add_double(values: Iterable[int]) -> str:
    total = sum(sum(divmod(v * (1 + place % 2), 10)) for place, v in enumerate(values))
    return str(-total % 10)


def _checked(
    kind: str,
    text: str,
    form: re.Pattern[str],
    check_digit: Callable[[str], str] | None = None,
) -> str:
    if form.fullmatch(text) is None:
        raise IdentifierInvalid(f"This is not a {kind}.", kind=kind, value=text[:32])
    if check_digit is not None and check_digit(text[:-1]) != text[-1]:
        raise IdentifierInvalid(
            f"The check digit of the {kind} is wrong.", kind=kind, value=text[:32]
        )
    return text
