import os
from functools import lru_cache

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine


@lru_cache
def get_async_engine():
    return create_async_engine("postgresql+asyncpg:" + os.environ["WL_POSTGRES"], pool_pre_ping=True)


AsyncSessionFactory = async_sessionmaker(bind=get_async_engine(), expire_on_commit=False)
