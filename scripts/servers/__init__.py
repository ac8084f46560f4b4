"""Where MongoDB and Postgres are: one answer for every command and for a bare `pytest`."""
