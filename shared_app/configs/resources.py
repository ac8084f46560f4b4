"""Databases handed to the app from outside, in place of those it would open itself."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from motor.motor_asyncio import AsyncIOMotorDatabase
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker


@dataclass(frozen=True)
class Resources:
    """The two databases of a running app; whoever opens them also closes them.

    The sessions need `expire_on_commit=False`: what is read is used after its transaction.
    """

    mongo_db: AsyncIOMotorDatabase
    session_factory: async_sessionmaker[AsyncSession]


ResourcesFactory = Callable[[], AbstractAsyncContextManager[Resources]]
"""Opens the resources on entry and closes them on exit: the app's lifespan does both."""


async def get_resources(request: Request) -> Resources | None:
    """The resources this app was created with, or None if it opens its databases itself."""
    try:
        return cast(Resources | None, request.app.state.resources)
    except AttributeError:
        message = "create_app() was given resources, but the app's lifespan has not been entered"
        raise RuntimeError(message) from None


ResourcesDep = Annotated[Resources | None, Depends(get_resources)]
