import os

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from motor.motor_asyncio import AsyncIOMotorClient
from starlette.testclient import TestClient

app = FastAPI()
client = AsyncIOMotorClient(os.environ["WL_MONGO"])


@app.get("/")
async def ping():
    await client.admin.command("ping")


def request():
    return TestClient(app).get("/")


async def test_direct_and_client():
    await client.admin.command("ping")
    assert request().status_code == 200
