from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from motor.motor_asyncio import AsyncIOMotorDatabase

from shared_app.configs.mongo import get_mongo_db
from shared_app.errors import documented
from shared_app.fields import Page, PageNumber, PageSize
from shared_app.jobs.models import Job, JobCreate
from shared_app.jobs.store import JobStore

router = APIRouter(prefix="/jobs", tags=["jobs"])


async def get_job_store(db: Annotated[AsyncIOMotorDatabase, Depends(get_mongo_db)]) -> JobStore:
    return JobStore(db)


StoreDep = Annotated[JobStore, Depends(get_job_store)]
JobId = Annotated[str, Path(pattern="^[0-9a-fA-F]{24}$")]


@router.post("", status_code=201, responses=documented(400, 413))
async def create_job(new: JobCreate, store: StoreDep) -> Job:
    """Post a job."""
    return await store.create(new)


@router.get("")
async def list_jobs(
    store: StoreDep,
    keyword: Annotated[str | None, Query(max_length=100)] = None,
    page: PageNumber = 1,
    page_size: PageSize = 20,
) -> Page[Job]:
    """List jobs, newest first; `keyword` is looked for in title, company and tags."""
    items, total = await store.search(keyword, page, page_size)
    return Page(items=items, total=total, page=page, page_size=page_size)


@router.get("/hot")
async def hot_jobs(store: StoreDep, limit: Annotated[int, Query(ge=1, le=100)] = 10) -> list[Job]:
    """The most viewed jobs, most viewed first."""
    return await store.hot(limit)


@router.get("/{job_id}", responses=documented(404))
async def read_job(job_id: JobId, store: StoreDep) -> Job:
    """Read one job, which counts as a view."""
    job = await store.view(job_id)
    if job is None:
        raise HTTPException(404, "no such job")
    return job
