"""The platform: one folder per bounded context over a small kernel."""
