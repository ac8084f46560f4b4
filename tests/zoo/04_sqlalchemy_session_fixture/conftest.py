import pytest
import sqlalchemy
from db import AsyncSessionFactory


@pytest.fixture
async def db_session():
    async with AsyncSessionFactory() as session:
        await session.execute(sqlalchemy.text("select 1"))
        yield session
