"""The pure part: instructions, the settlement process, and the rules for terms."""
