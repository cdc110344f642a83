"""The version of the program, as it shows itself."""

VERSION = "0.1.0"
