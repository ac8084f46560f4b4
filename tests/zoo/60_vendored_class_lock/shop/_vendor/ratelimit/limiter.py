import asyncio


class Limiter:
    """One at a time, whatever the instance."""

    _lock = asyncio.Lock()

    async def __aenter__(self):
        await self._lock.acquire()

    async def __aexit__(self, *exc):
        self._lock.release()
