"""The application factory: `uvicorn --factory shared_app.main:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.middleware import Middleware

from shared_app.chat import routes as chat
from shared_app.configs.resources import ResourcesFactory
from shared_app.conversations import routes as conversations
from shared_app.errors import answer_failure, documented, explain_invalid_request
from shared_app.jobs import routes as jobs
from shared_app.limits import BodyLimit

# The longest chat message fits, each of its characters written as two \u escapes.
MAX_BODY_BYTES = 256 * 1024


@asynccontextmanager
async def lifespan_of(resources: ResourcesFactory, app: FastAPI) -> AsyncIterator[None]:
    async with resources() as app.state.resources:
        yield
        del app.state.resources


def create_app(resources: ResourcesFactory | None = None) -> FastAPI:
    """Build the app; with `resources`, its lifespan opens them and all requests share them."""
    app = FastAPI(
        title="Job board and chat",
        lifespan=partial(lifespan_of, resources) if resources else None,
        middleware=[Middleware(BodyLimit, max_bytes=MAX_BODY_BYTES)],
        exception_handlers={
            RequestValidationError: explain_invalid_request,
            Exception: answer_failure,
        },
    )
    if resources is None:
        app.state.resources = None
    for part in (jobs, conversations, chat):
        app.include_router(part.router, responses=documented(503))
    return app
