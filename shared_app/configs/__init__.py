"""Where the app gets its settings and its databases."""
