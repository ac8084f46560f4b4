async def test_the_depot_is_empty(depot):
    assert await depot.list() == []
