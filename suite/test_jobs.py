"""The jobs API over jobs that the test itself put into MongoDB."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from suite.helpers import JOBS, as_json, sample_jobs, seed_data

GROUP = "mongo"


@dataclass(frozen=True)
class Case:
    """One request, and the whole of the answer expected."""

    id: str
    path: str
    expected: Any
    params: dict[str, Any] = field(default_factory=dict)


BACKEND, DATA, CHINESE, SRE, DESIGNER = JOBS


def page_of(*jobs: dict[str, Any], total: int, page: int = 1, page_size: int = 20) -> Any:
    """A page of the list as the API shows it."""
    items = [as_json(job) for job in jobs]
    return {"items": items, "total": total, "page": page, "page_size": page_size}


CASES = [
    Case(
        "list_with_data",
        "/jobs",
        page_of(DESIGNER, SRE, CHINESE, DATA, BACKEND, total=5),
    ),
    Case(
        "list_keyword_search",
        "/jobs",
        page_of(SRE, CHINESE, DATA, BACKEND, total=4),
        params={"keyword": "PYTHON"},
    ),
    Case(
        "list_paging",
        "/jobs",
        page_of(CHINESE, DATA, total=5, page=2, page_size=2),
        params={"page": 2, "page_size": 2},
    ),
    Case(
        "hot_default",
        "/jobs/hot",
        [as_json(job) for job in (SRE, DATA, CHINESE, BACKEND, DESIGNER)],
    ),
    Case(
        "detail_exists",
        f"/jobs/{CHINESE['_id']}",
        as_json(CHINESE, views=8),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
async def test_job_api(
    client: httpx.AsyncClient, test_db: AsyncIOMotorDatabase, case: Case
) -> None:
    await seed_data(test_db, "jobs", sample_jobs())

    response = await client.get(case.path, params=case.params)

    assert response.status_code == 200
    assert response.json() == case.expected
