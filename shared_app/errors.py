"""What the app answers when a request, or a database, is not as it should be."""

from typing import Any

import sqlalchemy.exc
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pymongo.errors import ConnectionFailure

# What drivers raise of a server that is gone; no connection of the pool's free in time.
# asyncpg and the operating system's errors on connecting are not wrapped by SQLAlchemy.
UNREACHABLE = (OSError, ConnectionFailure, sqlalchemy.exc.TimeoutError)

# SQLSTATE classes: connection exception, insufficient resources, shut down or not yet up.
UNREACHABLE_STATES = ("08", "53", "57P")


class Problem(BaseModel):
    """Every error's answer but that of a request which was not understood field by field."""

    detail: str


DOCUMENTED: dict[int, dict[str, Any]] = {
    400: {"description": "The body is not JSON in UTF-8, or is nested too deeply"},
    404: {"description": "Nothing has this id"},
    413: {"description": "The body is too large"},
    503: {
        "description": "A database does not answer, or is too busy to",
        "headers": {
            "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}
        },
    },
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses as a route's `responses`, for the app's OpenAPI."""
    return {status: {"model": Problem, **DOCUMENTED[status]} for status in statuses}


def is_unavailable(error: BaseException) -> bool:
    """Does the error say that a database cannot be reached?

    False for everything that waiting does not cure: wrong SQL, or an object on the wrong loop.
    """
    if isinstance(error, UNREACHABLE) or getattr(error, "connection_invalidated", False):
        return True
    state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
    return state.startswith(UNREACHABLE_STATES)


async def explain_invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
    """Answer 422 without repeating the input, which may hold what no answer can be encoded with."""
    problems = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in error.errors()]
    return JSONResponse({"detail": problems}, status_code=422)


async def answer_failure(request: Request, error: Exception) -> JSONResponse:
    """Answer 503 if a database is away, else 500.

    As the handler of Exception it only answers: Starlette raises the error again afterwards, so
    that the server's log has the cause, and tests that call the app without a server see it.
    Uvicorn hangs up after such a request, and the client must know before it sends the next.
    """
    headers = {"Connection": "close"}
    if not is_unavailable(error):
        return JSONResponse({"detail": "internal server error"}, 500, headers)
    headers["Retry-After"] = "1"  # in seconds
    return JSONResponse({"detail": "a database is unavailable"}, 503, headers)
