"""A story over several requests, checked in the database at its end."""

import httpx
from motor.motor_asyncio import AsyncIOMotorDatabase

from suite.helpers import JOBS, sample_jobs, seed_data

GROUP = "mongo"


class TestJobCoreFlows:
    async def test_hotjobs_flow(
        self, client: httpx.AsyncClient, test_db: AsyncIOMotorDatabase
    ) -> None:
        await seed_data(test_db, "jobs", sample_jobs())
        riser = JOBS[2]
        before = (await client.get("/jobs/hot", params={"limit": 2})).json()
        assert str(riser["_id"]) not in [job["id"] for job in before]

        for _ in range(6):
            assert (await client.get(f"/jobs/{riser['_id']}")).status_code == 200

        hottest = (await client.get("/jobs/hot", params={"limit": 1})).json()
        assert [job["id"] for job in hottest] == [str(riser["_id"])]
        stored = await test_db["jobs"].find_one({"_id": riser["_id"]})
        assert stored == {**riser, "views": riser["views"] + 6}
