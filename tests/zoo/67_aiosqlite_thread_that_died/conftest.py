import aiosqlite
import pytest


@pytest.fixture(scope="session")
async def db():
    connection = await aiosqlite.connect(":memory:")
    yield connection
    connection.stop()
