import asyncio
import os

import redis.asyncio

kept = {}


def cache():
    """A new client where the loop is closed. The loop may be open, and another's."""
    if not kept or kept["loop"].is_closed():
        kept["loop"] = asyncio.get_running_loop()
        kept["client"] = redis.asyncio.from_url(os.environ["WL_REDIS"])
    return kept["client"]
