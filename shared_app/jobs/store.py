import re
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import DESCENDING, ReturnDocument

from shared_app.jobs.models import Job, JobCreate

# An object id grows with time, so it puts the newer job first, and of two jobs with equally many
# views always the same one.
NEWEST_FIRST = [("_id", DESCENDING)]
MOST_VIEWED_FIRST = [("views", DESCENDING), ("_id", DESCENDING)]


class JobStore:
    def __init__(self, db: AsyncIOMotorDatabase) -> None:
        self._jobs = db["jobs"]

    async def create(self, new: JobCreate) -> Job:
        """Store a job that nobody has seen yet."""
        document = {**new.model_dump(), "views": 0}
        await self._jobs.insert_one(document)
        return _to_job(document)

    async def search(self, keyword: str | None, page: int, page_size: int) -> tuple[list[Job], int]:
        """A page of the jobs with this text, in any case, newest first; how many have it."""
        # A pattern travels as a C string, which a NUL would end: write it as an escape.
        pattern = re.escape(keyword or "").replace("\0", r"\x00")
        condition = {"$regex": pattern, "$options": "i"}
        fields = ("title", "company", "tags")
        query = {"$or": [{field: condition} for field in fields]} if keyword else {}
        total = await self._jobs.count_documents(query)
        cursor = self._jobs.find(query).sort(NEWEST_FIRST)
        documents = await cursor.skip((page - 1) * page_size).limit(page_size).to_list(page_size)
        return [_to_job(document) for document in documents], total

    async def hot(self, limit: int) -> list[Job]:
        documents = await self._jobs.find().sort(MOST_VIEWED_FIRST).limit(limit).to_list(limit)
        return [_to_job(document) for document in documents]

    async def view(self, job_id: str) -> Job | None:
        """Count a view of this job and return it, or None if there is no such job."""
        document = await self._jobs.find_one_and_update(
            {"_id": ObjectId(job_id)},
            {"$inc": {"views": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return _to_job(document) if document else None


def _to_job(document: dict[str, Any]) -> Job:
    return Job(id=str(document["_id"]), **document)
