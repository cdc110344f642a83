"""The platform's long-running processes; each holds only the keys it needs (D16)."""
