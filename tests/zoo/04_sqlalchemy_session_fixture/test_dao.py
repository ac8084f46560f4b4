import sqlalchemy


async def test_select(db_session):
    assert (await db_session.execute(sqlalchemy.text("select 1"))).scalar() == 1
