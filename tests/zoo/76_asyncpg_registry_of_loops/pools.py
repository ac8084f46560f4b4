import asyncio
import os
from weakref import WeakKeyDictionary

import asyncpg

# A pool knows its loop, so the value keeps its own weak key: no entry ever goes.
pools = WeakKeyDictionary()


async def pool():
    loop = asyncio.get_running_loop()
    if loop not in pools:
        url = f"postgresql:{os.environ['WL_POSTGRES']}"
        pools[loop] = await asyncpg.create_pool(url, min_size=5)
    return pools[loop]
