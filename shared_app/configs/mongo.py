"""MongoDB: the database of a request."""

from collections.abc import AsyncIterator

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from shared_app.configs.resources import ResourcesDep
from shared_app.configs.settings import get_settings


async def get_mongo_db(resources: ResourcesDep = None) -> AsyncIterator[AsyncIOMotorDatabase]:
    """Give the database that MONGO_URL names."""
    if resources is not None:
        yield resources.mongo_db
        return

    # A client for each request is not the fastest wiring, but it is the only one under which
    # tests that go through HTTP pass while tests that use Motor directly fail: this client is
    # used on no loop but the request's own. See broken/README.md.
    settings = get_settings()
    client: AsyncIOMotorClient = AsyncIOMotorClient(
        settings.mongo_url,
        serverSelectionTimeoutMS=int(settings.mongo_timeout_s * 1000),
        journal=True,  # what is acknowledged outlives a crash of the server
    )
    try:
        yield client.get_default_database("wrongloop")
    finally:
        client.close()
