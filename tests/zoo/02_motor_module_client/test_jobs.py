from app import client


async def test_first():
    await client.admin.command("ping")


async def test_second():
    await client.admin.command("ping")
