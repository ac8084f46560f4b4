"""The job board, kept in MongoDB."""
