"""The jobs API over jobs that the test itself put into MongoDB."""

from typing import Any

import httpx
import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from suite.helpers import JOBS, as_json, sample_jobs, seed_data

GROUP = "mongo"


BACKEND, DATA, CHINESE, SRE, DESIGNER = JOBS


def page_of(*jobs: dict[str, Any], total: int, page: int = 1, page_size: int = 20) -> Any:
    items = [as_json(job) for job in jobs]
    return {"items": items, "total": total, "page": page, "page_size": page_size}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/jobs", page_of(DESIGNER, SRE, CHINESE, DATA, BACKEND, total=5)),
        ("/jobs?keyword=PYTHON", page_of(SRE, CHINESE, DATA, BACKEND, total=4)),
        ("/jobs?page=2&page_size=2", page_of(CHINESE, DATA, total=5, page=2, page_size=2)),
        ("/jobs/hot", [as_json(job) for job in (SRE, DATA, CHINESE, BACKEND, DESIGNER)]),
        (f"/jobs/{CHINESE['_id']}", as_json(CHINESE, views=8)),
    ],
    ids=["list_with_data", "list_keyword_search", "list_paging", "hot_default", "detail_exists"],
)
async def test_job_api(
    client: httpx.AsyncClient, test_db: AsyncIOMotorDatabase, path: str, expected: Any
) -> None:
    await seed_data(test_db, "jobs", sample_jobs())

    response = await client.get(path)

    assert response.status_code == 200
    assert response.json() == expected
