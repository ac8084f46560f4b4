"""The application factory: `uvicorn --factory shared_app.main:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from shared_app.chat import routes as chat
from shared_app.configs.resources import ResourcesFactory
from shared_app.conversations import routes as conversations
from shared_app.jobs import routes as jobs


def create_app(resources: ResourcesFactory | None = None) -> FastAPI:
    """Build the app; with `resources`, its lifespan opens them and all requests share them."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if resources is None:
            yield
            return
        async with resources() as opened:
            app.state.resources = opened
            try:
                yield
            finally:
                del app.state.resources

    app = FastAPI(title="Job board and chat", lifespan=lifespan)
    if resources is None:
        app.state.resources = None
    app.add_exception_handler(RequestValidationError, explain_invalid_request)
    app.include_router(jobs.router)
    app.include_router(conversations.router)
    app.include_router(chat.router)
    return app


async def explain_invalid_request(request: Request, error: Exception) -> JSONResponse:
    """Answer 422 without repeating the input, which may hold what no answer can be encoded with."""
    assert isinstance(error, RequestValidationError)
    problems = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in error.errors()]
    return JSONResponse({"detail": problems}, status_code=422)
