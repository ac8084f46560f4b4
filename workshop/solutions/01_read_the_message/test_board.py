"""Two tests that fail with the same words. Whose message is whose?"""

from motor.motor_asyncio import AsyncIOMotorDatabase

from shared_app.configs.db import AsyncSessionFactory
from shared_app.conversations.dao import ConversationDAO

GROUP = "postgres"


async def count_conversations() -> int:
    async with AsyncSessionFactory() as session:
        _, total = await ConversationDAO(session).get_conversations(page=1, page_size=1)
        return total


async def test_nobody_has_written() -> None:
    assert await count_conversations() == 0


async def test_jobs_are_stored(test_db: AsyncIOMotorDatabase) -> None:
    await test_db["jobs"].insert_many([{"title": "Backend engineer"}])

    assert await test_db["jobs"].count_documents({}) == 1


async def test_still_nobody_has_written() -> None:
    assert await count_conversations() == 0
