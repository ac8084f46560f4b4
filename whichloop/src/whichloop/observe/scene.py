"""Who is at work: what pytest's hooks say, and what the stack says."""

from __future__ import annotations

from types import CodeType, FrameType
from typing import Any

from whichloop.actors import NOBODY, Actor
from whichloop.observe import frames as sites


class Scene:
    """``hooks`` is the pile of those at work, the innermost last; ``during`` the test's node id."""

    def __init__(self) -> None:
        self.hooks: list[Actor] = []
        self.during = ""
        self.fixture_codes: dict[CodeType, Actor] = {}

    def actor(self) -> Actor:
        """Who pytest's hooks say is at work."""
        return self.hooks[-1] if self.hooks else NOBODY

    def capture(self, frame: FrameType | None, cache: bool = False) -> tuple[Any, Actor]:
        """The suite's line nearest to ``frame``, and who is at work there.

        A fixture's own code on the stack wins over the hooks, which cannot see finalizers;
        a module's top level on the stack is an import; the bottom of a loop ends the search.
        """
        site = None
        code_name = ""
        cached: str | None = None
        found: Actor | None = None
        for one in sites.outward(frame):
            code = one.f_code
            known = self.fixture_codes.get(code)
            if sites.is_user_file(code.co_filename):
                if site is None:
                    site = sites.site_of(code, one.f_lineno)
                    code_name = getattr(code, "co_qualname", code.co_name)
                if cache and cached is None:
                    cached = sites.cache_name(one)
                if code.co_name == "<module>":
                    found = Actor("import", one.f_globals.get("__name__", "?"), cache=cached)
                    break
            if known is not None:
                found = known
                break
            if code.co_name == "run_forever":
                break
        if found is None:
            found = self.actor()
            if found.kind == "unknown" and code_name:
                found = Actor("code", code_name)
        if cached and found.cache is None:
            found = Actor(found.kind, found.name, found.caching_scope, found.loop_scope, cached)
        return site, found
