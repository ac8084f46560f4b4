import sqlalchemy
from db import AsyncSessionFactory
from fastapi import FastAPI
from starlette.testclient import TestClient

app = FastAPI()


@app.get("/")
async def one():
    async with AsyncSessionFactory() as session:
        return (await session.execute(sqlalchemy.text("select 1"))).scalar()


def test_two_requests():
    client = TestClient(app)
    assert client.get("/").json() == 1
    assert client.get("/").json() == 1
