"""Each test, on a loop of its own, awaits a client that somebody else built."""

from motor.motor_asyncio import AsyncIOMotorClient

GROUP = "mongo"


async def test_built_at_import(built_at_import: AsyncIOMotorClient) -> None:
    assert (await built_at_import.admin.command("ping"))["ok"] == 1


async def test_built_at_import_again(built_at_import: AsyncIOMotorClient) -> None:
    assert (await built_at_import.admin.command("ping"))["ok"] == 1


async def test_built_by_fixture(built_by_fixture: AsyncIOMotorClient) -> None:
    assert (await built_by_fixture.admin.command("ping"))["ok"] == 1


async def test_used_by_fixture(used_by_fixture: AsyncIOMotorClient) -> None:
    assert (await used_by_fixture.admin.command("ping"))["ok"] == 1
