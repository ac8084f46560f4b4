"""Sample data, and the helper that puts it into MongoDB."""

from collections.abc import Iterable
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorDatabase

Document = dict[str, Any]


async def seed_data(
    test_db: AsyncIOMotorDatabase, collection: str, docs: Iterable[Document]
) -> None:
    """Insert documents straight through the driver, past the app."""
    await test_db[collection].insert_many(docs)


def job(number: int, title: str, company: str, tags: list[str], views: int) -> Document:
    job_id = ObjectId(f"65f0000000000000000000{number:02}")
    return {"_id": job_id, "title": title, "company": company, "tags": tags, "views": views}


JOBS = (
    job(1, "Backend engineer", "Northwind", ["python", "fastapi"], 3),
    job(2, "Data engineer", "Contoso", ["Python", "spark"], 12),
    job(3, "后端工程师", "蓝鲸科技", ["python", "mongodb"], 7),
    job(4, "Site reliability engineer", "Pythonic Systems", ["linux"], 12),
    job(5, "Product designer", "Tailspin", ["figma"], 0),
)
"""Five jobs, oldest first; "python" is in three lists of tags and one company's name."""


def sample_jobs() -> list[Document]:
    """Copies of JOBS, ready to be inserted."""
    return [dict(job) for job in JOBS]


def as_json(job: Document, **changes: Any) -> Document:
    """The job as the API shows it."""
    shown = {key: value for key, value in job.items() if key != "_id"}
    return {"id": str(job["_id"]), **shown, **changes}
