import aiosqlite

kept = []


async def connection():
    if not kept:
        kept.append(await aiosqlite.connect(":memory:"))
    return kept[0]


async def one():
    async with (await connection()).execute("select 1") as rows:
        return await rows.fetchone()


async def test_one():
    assert await one() == (1,)


async def test_two():
    assert await one() == (1,)


async def test_close():
    await kept.pop().close()
