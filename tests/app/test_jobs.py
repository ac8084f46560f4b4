"""The jobs API over real HTTP."""

from typing import Any

import httpx
import pytest

TITLES = ("Backend engineer", "Data engineer", "后端工程师", "Designer")


def post(app: httpx.Client, title: str, company: str = "Northwind", *tags: str) -> str:
    """Post a job; its id."""
    response = app.post("/jobs", json={"title": title, "company": company, "tags": list(tags)})
    assert response.status_code == 201, response.text
    return response.json()["id"]


def titles(app: httpx.Client, **params: Any) -> list[str]:
    """The titles of a list of jobs, in its order."""
    response = app.get("/jobs", params=params)
    assert response.status_code == 200, response.text
    return [job["title"] for job in response.json()["items"]]


def test_a_keyword_is_sought_in_title_company_and_tags_whatever_its_case(app):
    post(app, "Python developer")
    post(app, "Designer", "PYTHONIC systems")
    post(app, "后端工程师", "Contoso", "go", "cpython")
    post(app, "Gardener", "Tailspin", "roses")

    assert titles(app, keyword="Python") == ["后端工程师", "Designer", "Python developer"]
    assert titles(app, keyword="后端") == ["后端工程师"]
    assert titles(app, keyword="") == titles(app)
    assert len(titles(app)) == 4


def test_pages_are_newest_first_and_name_the_total(app):
    for title in TITLES:
        post(app, title)
    newest_first = list(reversed(TITLES))

    pages = [app.get("/jobs", params={"page": n, "page_size": 3}).json() for n in (1, 2, 3)]

    listed = [[job["title"] for job in page["items"]] for page in pages]
    assert listed == [newest_first[:3], newest_first[3:], []]
    numbers = [(page["total"], page["page"], page["page_size"]) for page in pages]
    assert numbers == [(4, 1, 3), (4, 2, 3), (4, 3, 3)]
    page = app.get("/jobs", params={"keyword": "engineer", "page_size": 1}).json()
    assert (page["total"], len(page["items"])) == (2, 1)


def test_views_are_counted_and_the_most_viewed_job_is_hottest(app):
    ids = [post(app, title) for title in TITLES]
    for place, views in ((1, 3), (3, 3), (0, 1)):
        counted = [app.get(f"/jobs/{ids[place]}").json()["views"] for _ in range(views)]
        assert counted == list(range(1, views + 1))

    hot = app.get("/jobs/hot").json()

    # Of equally many views the newer job comes first.
    assert [(job["title"], job["views"]) for job in hot] == [
        ("Designer", 3),
        ("Data engineer", 3),
        ("Backend engineer", 1),
        ("后端工程师", 0),
    ]
    assert app.get("/jobs/hot", params={"limit": 1}).json() == hot[:1]


def test_an_unknown_job_is_404_and_too_few_of_the_hottest_are_422(client):
    assert client.get("/jobs/65f0000000000000000000ff").status_code == 404
    assert client.get("/jobs/hot?limit=0").status_code == 422


@pytest.mark.parametrize(
    "job",
    [
        {},
        {"title": "", "company": "Northwind"},
        {"title": 201 * "x", "company": "Northwind"},
        {"title": "a\0b", "company": "Northwind"},
        {"title": "Engineer", "company": "Northwind", "tags": ["a\0b"]},
        {"title": "Engineer", "company": "Northwind", "tags": "python"},
    ],
)
def test_a_job_that_cannot_be_stored_is_422_and_stores_nothing(app, job):
    response = app.post("/jobs", json=job)

    assert response.status_code == 422
    assert set(response.json()["detail"][0]) == {"type", "loc", "msg"}
    assert app.get("/jobs").json()["total"] == 0
