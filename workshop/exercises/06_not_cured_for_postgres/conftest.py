"""Nothing is wired here yet."""
