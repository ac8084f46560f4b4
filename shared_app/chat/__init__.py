"""Streamed answers from a language model."""
