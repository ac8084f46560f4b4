"""A small FastAPI service: a job board on MongoDB, conversations with a model on Postgres."""
