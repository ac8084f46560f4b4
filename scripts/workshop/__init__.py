"""The workshop: exercises that a checker runs, from `make workshop`."""
