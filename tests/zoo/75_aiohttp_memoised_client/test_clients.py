import pytest
from clients import get

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_first():
    assert await get() == "ok"


async def test_second():
    assert await get() == "ok"
