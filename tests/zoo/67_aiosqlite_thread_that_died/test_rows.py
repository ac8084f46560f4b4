import asyncio

import pytest

SLOW = "with recursive t(n) as (select 1 union all select n + 1 from t limit 600000) select max(n)"


async def test_a_slow_query_is_given_up(db):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(db.execute_fetchall(f"{SLOW} from t"), 0.01)


@pytest.mark.timeout(6)
async def test_row(db):
    assert await db.execute_fetchall("select 1") == [(1,)]
