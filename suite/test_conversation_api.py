"""The conversations API with no other way to the database than the API itself."""

import uuid
from typing import Any

import httpx

GROUP = "postgres"


async def start(client: httpx.AsyncClient, title: str) -> Any:
    response = await client.post("/conversations", json={"title": title})
    assert response.status_code == 201
    return response.json()


async def test_create_then_read_conversation(client: httpx.AsyncClient) -> None:
    created = await start(client, "Moving to 深圳")

    response = await client.get(f"/conversations/{created['id']}")

    assert response.status_code == 200
    assert response.json() == {**created, "title": "Moving to 深圳", "messages": []}


async def test_list_conversations_newest_first(client: httpx.AsyncClient) -> None:
    created = [await start(client, title) for title in ("one", "two", "three")]

    response = await client.get("/conversations", params={"page_size": 2})

    assert response.status_code == 200
    newest = [created[2], created[1]]
    assert response.json() == {"items": newest, "total": 3, "page": 1, "page_size": 2}


async def test_unknown_conversation_is_404(client: httpx.AsyncClient) -> None:
    unknown = f"/conversations/{uuid.uuid4()}"

    assert (await client.get(unknown)).status_code == 404
    question = {"provider": "gemini", "content": "anyone?"}
    assert (await client.post(f"{unknown}/chat", json=question)).status_code == 404


async def test_nul_character_is_422_and_stores_nothing(client: httpx.AsyncClient) -> None:
    # The list comes first: a refused title never gets as far as the database.
    assert (await client.get("/conversations")).json()["total"] == 0

    response = await client.post("/conversations", json={"title": "a\0b"})

    assert response.status_code == 422
    assert (await client.get("/conversations")).json()["total"] == 0
