"""The conversations API over real HTTP."""

import uuid
from typing import Any

import httpx
import pytest

LIST = "/conversations"


def start(app: httpx.Client, title: str) -> dict[str, Any]:
    response = app.post(LIST, json={"title": title})
    assert response.status_code == 201, response.text
    return response.json()


def test_what_was_started_is_read_and_listed_newest_first(app):
    created = [start(app, title) for title in ("one", "深圳 🦊", "three")]

    read = app.get(f"{LIST}/{created[1]['id']}")
    first = app.get(LIST, params={"page_size": 2}).json()
    second = app.get(LIST, params={"page_size": 2, "page": 2}).json()

    assert read.json() == {**created[1], "messages": []}
    assert first == {"items": [created[2], created[1]], "total": 3, "page": 1, "page_size": 2}
    assert second == {"items": [created[0]], "total": 3, "page": 2, "page_size": 2}


def test_an_unknown_conversation_is_404(client):
    assert client.get(f"{LIST}/{uuid.uuid5(uuid.NAMESPACE_URL, 'nobody')}").status_code == 404


@pytest.mark.parametrize("body", [{}, {"title": ""}, {"title": 201 * "x"}, {"title": "a\0b"}])
def test_a_title_that_cannot_be_stored_is_422_and_stores_nothing(app, body):
    assert app.post(LIST, json=body).status_code == 422
    assert app.get(LIST).json()["total"] == 0
