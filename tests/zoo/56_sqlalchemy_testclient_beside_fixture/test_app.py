import pytest
import sqlalchemy
from db import engine
from fastapi import FastAPI
from starlette.testclient import TestClient

app = FastAPI()
ONE = sqlalchemy.text("select 1")


@app.get("/")
async def one():
    async with engine.connect() as connection:
        return (await connection.execute(ONE)).scalar()


@pytest.fixture
async def seeded():
    async with engine.begin() as connection:
        await connection.execute(ONE)


def test_first(seeded):
    assert TestClient(app).get("/").json() == 1


def test_second(seeded):
    assert TestClient(app).get("/").json() == 1


async def test_direct(seeded):
    assert await one() == 1
