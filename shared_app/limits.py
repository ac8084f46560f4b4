"""A limit to what the app reads of one request.

FastAPI's own `max_body_size` answers a declared length that is too large in plain text: here every
error is JSON.
"""

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOO_LARGE = "the body is too large"


class BodyLimit:
    """ASGI middleware that answers 413 to a body of more than `max_bytes`.

    A length that the client declares is refused before anything is read; one that it does not
    declare is counted as it comes.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        declared = dict(scope.get("headers", ())).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._max_bytes:
            return await JSONResponse({"detail": TOO_LARGE}, 413)(scope, receive, send)
        left = self._max_bytes

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                # Into the route that reads: FastAPI answers an HTTPException from there as its own.
                raise HTTPException(413, TOO_LARGE)
            return message

        await self._app(scope, counted, send)
