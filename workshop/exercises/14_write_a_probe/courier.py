"""A driver that whichloop has never heard of: a courier keeps the loop of its first delivery."""

import asyncio


class Courier:
    def __init__(self, address: str) -> None:
        self.address = address
        self.home: asyncio.AbstractEventLoop | None = None

    async def deliver(self, parcel: str) -> str:
        loop = asyncio.get_running_loop()
        self.home = self.home or loop
        if self.home is not loop:
            raise RuntimeError("the courier stands before a closed door")
        return await asyncio.sleep(0.01, result=f"{parcel} to {self.address}")
