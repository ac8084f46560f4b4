async def seed(db, docs):
    await db["jobs"].insert_many(docs)


async def test_list(test_db):
    await seed(test_db, [{"title": "one"}])
    assert await test_db["jobs"].find_one({"title": "one"})
