"""What can go wrong in settlement, each with its code and a sentence."""

from backend.kernel.errors import DomainError, ErrorCode, NodeUnavailable


class SettlementStateInvalid(DomainError):
    """The settlement or instruction is not in a state that allows this."""

    code = ErrorCode.SETTLEMENT_STATE_INVALID


class AlreadySettled(DomainError):
    """The trade is settled with finality; nothing can be done to it any more."""

    code = ErrorCode.ALREADY_SETTLED


class DeadlineExpired(DomainError):
    """The trade can no longer settle: the contract refuses it after its deadline."""

    code = ErrorCode.DEADLINE_EXPIRED


class SignatureInvalid(DomainError):
    """Not a canonical secp256k1 signature: wrong length, out of range, or the malleable high s."""

    code = ErrorCode.SIGNATURE_INVALID


class SignatureWrongSigner(DomainError):
    """A good signature over this trade, by someone who is not the party asked for."""

    code = ErrorCode.SIGNATURE_WRONG_SIGNER


class SignatureWrongDomain(DomainError):
    """The party signed this trade for another chain or another contract."""

    code = ErrorCode.SIGNATURE_WRONG_DOMAIN


class TypedDataInvalid(DomainError):
    """The JSON is not the EIP-712 ``Trade`` of a Tallystick settlement contract."""

    code = ErrorCode.REQUEST_MALFORMED


class WalletUnknown(DomainError):
    """No wallet is bound where the trade needs one."""

    code = ErrorCode.WALLET_UNKNOWN


class TokenUnknown(DomainError):
    """The security or currency has no token on the settlement chain."""

    code = ErrorCode.SECURITY_UNKNOWN


class TransactionReverted(DomainError):
    """The chain executed or simulated the transaction and undid it."""

    code = ErrorCode.TRANSACTION_REVERTED


class NodeRefused(NodeUnavailable):
    """The node answers, but does not take this request (for example: no funds for the fee)."""
