import aiohttp
import pytest
from aiohttp import web
from shop import app


@pytest.fixture
async def shop():
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield "http://{}:{}".format(*runner.addresses[0])
    await runner.cleanup()


async def get(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status


async def test_prices(shop):
    assert await get(f"{shop}/prices") == 200


async def test_nothing_else(shop):
    assert await get(f"{shop}/else") == 404
