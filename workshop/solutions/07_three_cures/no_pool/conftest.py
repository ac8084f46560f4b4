"""Cure it here by keeping no connection. Yours to change: store.py."""
