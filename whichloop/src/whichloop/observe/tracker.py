"""The live side: what is built, bound and used, on which loop, by whom.

State is kept by identity and weakly: a loop or an object that would be collected without whichloop
is collected with it. What outlives them is text and numbers.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from whichloop.actors import Settings
from whichloop.observe.object_table import ObjectTable

if TYPE_CHECKING:
    from whichloop.records import Recording

log = logging.getLogger("whichloop")


class Tracker(ObjectTable):
    """One per process (``TRACKER``). Probes and hooks report to it; it answers with records."""

    def __init__(self) -> None:
        super().__init__()
        self.settings = Settings()
        self.switched_off: dict[str, str] = {}
        self.reported: set[int] = set()
        # The plugin says it in the summary: a log record would reach the suite's own caplog.
        self.reported_elsewhere = False

    def reset(self) -> None:
        """Forget everything; used when a pytest session ends."""
        vars(self).update(vars(Tracker()))

    def switch_off(self, probe: str, error: BaseException) -> None:
        """A probe failed: it goes quiet for good, and says so once."""
        if probe not in self.switched_off:
            self.switched_off[probe] = f"{type(error).__name__}: {error}"
            if not self.reported_elsewhere:
                log.warning("probe %s switched off: %s", probe, self.switched_off[probe])

    @contextmanager
    def guarded(self, probe: str) -> Iterator[None]:
        """Run a probe's own code: whatever it raises stays here."""
        try:
            yield
        except Exception as error:
            self.switch_off(probe, error)

    def snapshot(self) -> Recording:
        """The records that an explanation of the present phase can need."""
        from whichloop.records import Recording

        objects = {record.seq: record for _, _, record in self.crossings}
        names = {name for one, _, _ in self.crossings for name in (one.used_on, one.bound_to)}
        crossed = (live.loop for _, live, _ in self.crossings if live.loop is not None)
        known = itertools.chain(crossed, self.loops.values(), self.dead_loops)
        running = self.running_here()
        loops = {one.number: one for one in (*self.ran_here, *([running] if running else []))}
        loops |= {one.number: one for one in known if one.name in names}
        return Recording(
            tuple(loops[key].record() for key in sorted(loops)),
            tuple(objects.values()),
            tuple(crossing for crossing, _, _ in self.crossings),
            (),
            self.settings,
        )

    def whole(self) -> Recording:
        """Everything, where recording was switched on."""
        from whichloop.records import Recording

        return Recording(
            tuple(one.record() for one in self.all_loops),
            tuple(one.record() for one in self.all_objects),
            tuple(self.all_crossings),
            tuple(self.ran),
            self.settings,
        )


TRACKER = Tracker()
