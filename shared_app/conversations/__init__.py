"""Conversations and their messages, kept in Postgres."""
