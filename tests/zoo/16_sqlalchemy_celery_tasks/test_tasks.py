import asyncio

import sqlalchemy
from celery import Celery
from db import AsyncSessionFactory

worker = Celery("worker")
worker.conf.task_always_eager = True
worker.conf.task_eager_propagates = True


async def one():
    async with AsyncSessionFactory() as session:
        return (await session.execute(sqlalchemy.text("select 1"))).scalar()


@worker.task
def job():
    return asyncio.run(one())


def test_two_tasks():
    assert job.delay().get() == 1
    assert job.delay().get() == 1
