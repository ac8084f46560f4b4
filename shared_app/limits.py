"""A limit to what the app reads of one request."""

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOO_LARGE = "the body is too large"


class BodyLimit:
    """ASGI middleware that answers 413 to a body of more than `max_bytes`.

    A length that the client declares is refused before anything is read; one that it does not
    declare is counted as it comes.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            await JSONResponse({"detail": TOO_LARGE}, 413)(scope, receive, send)
            return
        so_far = 0

        async def counted() -> Message:
            nonlocal so_far
            message = await receive()
            so_far += len(message.get("body", b""))
            if so_far > self._max_bytes:
                # Into the route that reads: FastAPI answers an HTTPException from there as its own.
                raise HTTPException(413, TOO_LARGE)
            return message

        await self._app(scope, counted, send)
