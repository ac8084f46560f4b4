import os
from contextlib import asynccontextmanager

import sqlalchemy
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.testclient import TestClient


@asynccontextmanager
async def lifespan(app):
    app.state.engine = create_async_engine("postgresql+asyncpg:" + os.environ["WL_POSTGRES"])
    yield
    await app.state.engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def one():
    async with app.state.engine.connect() as connection:
        return (await connection.execute(sqlalchemy.text("select 1"))).scalar()


def test_two_requests():
    with TestClient(app) as client:
        assert client.get("/").json() == 1
        assert client.get("/").json() == 1


def test_again():
    with TestClient(app) as client:
        assert client.get("/").json() == 1
