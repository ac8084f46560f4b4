"""The sides: what `remedies.toml` says of them, and how each differs from broken/."""
