import env
import pytest


@pytest.fixture
async def tables():
    env.upgrade()
