"""As Alembic's env.py for async engines: a plain function, which Alembic's commands call."""

import asyncio
import os

import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool


async def run_async_migrations():
    url = "postgresql+asyncpg:" + os.environ["WL_POSTGRES"]
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(sqlalchemy.text("create table users81 (id int)"))


def upgrade():
    asyncio.run(run_async_migrations())
