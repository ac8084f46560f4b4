"""Where the order service keeps its connections."""

import os

import asyncpg
from pymongo import AsyncMongoClient


class Clients:
    """One pool and one client for the process, each made when it is first asked for."""

    _pool: asyncpg.Pool | None = None
    _mongo: AsyncMongoClient | None = None

    @classmethod
    async def pool(cls) -> asyncpg.Pool:
        if cls._pool is None:
            cls._pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1)
        return cls._pool

    @classmethod
    def mongo(cls) -> AsyncMongoClient:
        if cls._mongo is None:
            cls._mongo = AsyncMongoClient(os.environ["MONGO_URL"])
        return cls._mongo

    @classmethod
    async def close(cls) -> None:
        if cls._pool is not None:
            await cls._pool.close()
        if cls._mongo is not None:
            await cls._mongo.close()
        cls._pool = cls._mongo = None
