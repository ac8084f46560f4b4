"""The jobs API with no other way to the database than the API itself."""

import httpx

GROUP = "mongo"


async def post_job(client: httpx.AsyncClient, title: str, *tags: str) -> str:
    job = {"title": title, "company": "Northwind", "tags": list(tags)}
    response = await client.post("/jobs", json=job)
    assert response.status_code == 201
    job_id: str = response.json()["id"]
    assert response.json() == {"id": job_id, **job, "views": 0}
    return job_id


async def test_create_then_read_back(client: httpx.AsyncClient) -> None:
    job_id = await post_job(client, "Backend engineer", "python")

    first = await client.get(f"/jobs/{job_id}")
    second = await client.get(f"/jobs/{job_id}")

    assert first.status_code == second.status_code == 200
    assert first.json()["title"] == "Backend engineer"
    assert (first.json()["views"], second.json()["views"]) == (1, 2)


async def test_keyword_is_taken_literally(client: httpx.AsyncClient) -> None:
    await post_job(client, "Backend engineer", "python")
    await post_job(client, "Regex (.*) wizard", "perl")

    for keyword in (".*", "(.*)", "X (."):
        response = await client.get("/jobs", params={"keyword": keyword})
        assert [job["title"] for job in response.json()["items"]] == ["Regex (.*) wizard"]
        assert response.json()["total"] == 1
    response = await client.get("/jobs", params={"keyword": "^Backend"})
    assert response.json()["items"] == []


async def test_unknown_job_is_404(client: httpx.AsyncClient) -> None:
    assert (await client.get("/jobs/65f0000000000000000000ff")).status_code == 404


async def test_malformed_input_is_422(client: httpx.AsyncClient) -> None:
    assert (await client.get("/jobs/not-an-id")).status_code == 422
    assert (await client.get("/jobs", params={"page": 0})).status_code == 422
    assert (await client.get("/jobs", params={"page_size": 101})).status_code == 422
    assert (await client.post("/jobs", json={"title": ""})).status_code == 422
