import httpx
import pytest
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def root():
    return 1


@pytest.fixture
async def http():
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://app"
    ) as client:
        yield client


async def test_one(http):
    assert (await http.get("/")).json() == 1


async def test_two(http):
    assert (await http.get("/")).json() == 1
