"""A limit to what the app reads of one request.

FastAPI's own `max_body_size` answers a declared length that is too large in plain text: here every
error is JSON.
"""

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """ASGI middleware that answers 413 to a body of more than `max_bytes`, counted as it comes."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = self._max_bytes

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                # Into the route that reads: FastAPI answers an HTTPException from there as its own.
                raise HTTPException(413, "the body is too large")
            return message

        await self._app(scope, counted, send)
