"""Pure: participants with their wallets and tokens, and their contact persons."""

from backend.identity.domain.participant import (
    KINDS,
    ROLES_OF,
    Participant,
    SignatureWrongSigner,
    Wallet,
    bind_wallet,
    evolve,
    issue_token,
    register,
    wallet_statement,
)

__all__ = [
    "KINDS",
    "ROLES_OF",
    "Participant",
    "SignatureWrongSigner",
    "Wallet",
    "bind_wallet",
    "evolve",
    "issue_token",
    "register",
    "wallet_statement",
]
