"""The tests that every side runs, unchanged."""
