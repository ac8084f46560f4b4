"""The application factory: `uvicorn --factory shared_app.main:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from shared_app.chat import routes as chat
from shared_app.configs.resources import ResourcesFactory
from shared_app.conversations import routes as conversations
from shared_app.errors import answer_failure, documented, explain_invalid_request
from shared_app.jobs import routes as jobs
from shared_app.limits import BodyLimit

# The longest chat message fits, each of its characters written as two \u escapes.
MAX_BODY_BYTES = 256 * 1024


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
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES)
    app.add_exception_handler(RequestValidationError, explain_invalid_request)
    app.add_exception_handler(Exception, answer_failure)
    for part in (jobs, conversations, chat):
        app.include_router(part.router, responses=documented(503))
    return app
