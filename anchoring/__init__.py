"""Tamper evidence for an event log: build proofs, publish them, check them offline.

The package knows nothing of the platform that writes the events. It holds the canonical form
of an event and its signature, the RFC 9162 Merkle tree, the C2SP file formats (signed note,
checkpoint, tiles, cosignature, policy, proof), the evidence that a checkpoint stands on an EVM
chain, and the verifier that reads all of these and trusts none.

Naming: ``prove_*`` beside ``verify_*``; a ``verify_*`` function returns nothing or what it
proved and raises :class:`anchoring.errors.VerificationFailed`, so that a result cannot be
ignored. Sizes, roots and keys come from the trusted side, never from the proof itself.
"""
