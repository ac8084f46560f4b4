"""The error in five lines: no pytest, no driver, no server."""

import asyncio


async def wait_for(future: asyncio.Future[None]) -> None:
    await future


future = asyncio.new_event_loop().create_future()  # made on one loop
asyncio.run(wait_for(future))  # awaited on another
