"""A driver of the tests' own: a pigeon belongs to the loop on which it first flew."""

import asyncio


class Pigeon:
    def __init__(self):
        self.home = None

    def fly(self):
        loop = asyncio.get_running_loop()
        if self.home is None:
            self.home = loop
        if self.home is not loop:
            raise RuntimeError("the pigeon is lost")
