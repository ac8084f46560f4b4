"""The sides: what the manifests say of them, and how each differs from broken/."""
