"""The edge of the whole platform: dashboard, its headers, configuration, status, development."""
