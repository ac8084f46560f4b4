async def test_row(pool):
    assert await pool.fetchval("select 1") == 1
