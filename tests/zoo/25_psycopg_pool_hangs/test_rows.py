async def test_row(pool):
    async with pool.connection() as connection:
        row = await (await connection.execute("select 1")).fetchone()
    assert row == (1,)
