"""The log seen from the platform: event keys, the registry on chain, anchors and proofs."""
