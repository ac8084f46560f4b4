"""Two loops and an object: why they differ, in the closed list of causes, and in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from whichloop.actors import NOBODY, Actor, Settings
from whichloop.messages import CAUSES
from whichloop.records import LoopRecord, ObjectRecord

NOUNS = {
    "motor": "MongoDB client",
    "pymongo": "MongoDB client",
    "sqlalchemy": "database connection",
    "asyncpg": "database connection",
    "psycopg_pool": "connection pool",
    "redis": "Redis connection",
    "httpx": "HTTP connection",
    "aiohttp": "HTTP session",
    "grpc": "gRPC channel",
}
PLUGINS = ("pytest-asyncio", "anyio", "pytest-trio", "pytest-aiohttp")
RUNS = ("asyncio.run", "asyncio.Runner", "async_to_sync", "new_event_loop")


def noun(obj: ObjectRecord | None, driver: str | None = None) -> str:
    """The thing in plain words, for readers who do not know asyncio."""
    name = obj.driver if obj else driver
    if obj is not None and obj.driver == "asyncio":
        return obj.type.rpartition(".")[2].lower()
    if obj is not None and "pool" in obj.label and obj.driver == "asyncpg":
        return "connection pool"
    return NOUNS.get(name or "", obj.label if obj else "object")


@dataclass(frozen=True)
class Case:
    """An object, the loop it is bound to, the loop that used it (None: not known, or none did)."""

    settings: Settings
    obj: ObjectRecord | None
    bound: LoopRecord | None
    using: LoopRecord | None
    used_by: Actor = NOBODY

    @property
    def runners(self) -> set[str]:
        """What runs the loops."""
        return {loop.runner for loop in (self.bound, self.using) if loop is not None}

    @property
    def keeper(self) -> tuple[str, str]:
        """What keeps the object longer than a test: a kind (cache, module, fixture) and words for
        it; both empty where that is not known."""
        if self.obj is None:
            return "", ""
        if self.obj.kept_by:
            kind = "cache" if self.obj.kept_by.startswith("functools") else "module"
            return kind, self.obj.kept_by
        by = self.obj.built_by
        if by.cache:
            return "cache", f"functools cache {by.cache}"
        if by.kind == "import":
            return "module", f"{by}"
        if by.kind == "fixture" and by.caching_scope not in (None, "function"):
            return "fixture", f"fixture {by.name}, cached for the {by.caching_scope}"
        return "", ""

    def cause(self, tick: int) -> str:
        """The cause of a use at ``tick``, from the two loops alone."""
        bound, using = self.bound, self.using
        if bound is None or using is None:
            return "unknown"
        if self.runners & {"TestClient", "portal"}:
            return "TestClient portal"
        if len(self.runners & set(PLUGINS)) > 1:
            return "two plugins"
        if "async_to_sync" in self.runners:
            return "asyncio.run repeated"
        if bound.thread != using.thread and "unittest" not in self.runners:
            return "second loop in a thread"
        if self.runners & set(RUNS):
            return "asyncio.run repeated"
        if bound.closed is not None and bound.closed < tick:
            return "object outlives its loop"
        if self.runners & set(PLUGINS):
            return "loop scope mismatch"
        return "unknown"

    def sentence(self, cause: str) -> str:
        """What happened, in one sentence."""
        keeper = self.keeper[1]
        if cause == "loop scope mismatch":
            kept = f"; the object is kept by {keeper}" if keeper else ""
            return f"bound on {_scope_words(self.bound)}, used on {_scope_words(self.using)}{kept}."
        if cause == "object outlives its loop":
            kept = f" by {keeper}" if keeper else ", by what is not known,"
            dead = f" after loop {self.bound.id} was closed" if self.bound else ""
            return f"kept{kept}{dead}."
        if cause == "asyncio.run repeated" and keeper:
            return f"{CAUSES[cause]}; the object is kept by {keeper}."
        return CAUSES[cause] + "."


def left_running(loop: LoopRecord) -> str:
    """One sentence on a loop that was not stopped before the next was to start."""
    by = f"by {loop.opened_by}" if loop.opened_by.name else "by what is not known"
    return (
        f"loop {loop.id} was left running {by}, "
        "and a thread can run no second loop until the first has stopped."
    )


def _scope_words(loop: LoopRecord | None) -> str:
    if loop is None:
        return "a loop that is not known"
    return f"a {loop.scope} loop" if loop.scope else f"the {loop.owner}"
