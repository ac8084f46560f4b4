"""How many connections a side opened, held at the peak and left open: asked of the servers.

Runs inside the side's pytest, before the process exits: afterwards nothing is open. The figures are
a remedy's price; no outcome depends on them.
"""

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from pymongo import monitoring
from pymongo.errors import PyMongoError

from scripts.run.model import ConnectionCounts
from scripts.servers.ask import OWN_NAME
from scripts.servers.databases import Databases, MongoDatabase, PostgresDatabase

SERVER_GONE = (psycopg.OperationalError, PyMongoError)
SESSIONS = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
OPEN_NOW = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name <> %s"
    " AND backend_type = 'client backend'"  # autovacuum is in the database, too
)


@dataclass
class Counter:
    """Counts the connections to one database of a side, our own left out.

    `opened` counts those since the start, `peak` is the highest `open_now` that was noted. What is
    open is settled when it has been the same for `stable_s`.
    """

    open_now: Callable[[], int]
    opened: Callable[[], int]
    stable_s: float
    peak: int = 0


# By the names that run.json gives the servers.
Counters = dict[str, Counter]


def of_postgres(database: PostgresDatabase) -> Counter:
    """Postgres counts its connections itself, each once it has been idle."""

    def sessions() -> int:
        return int(database.ask(SESSIONS))

    before = sessions()
    return Counter(
        open_now=lambda: int(database.ask(OPEN_NOW, OWN_NAME)),
        opened=lambda: sessions() - before,
        stable_s=0.1,
    )


def of_mongo(database: MongoDatabase) -> Counter:
    """The server lists what is open under the application name in the side's URL, with the two
    connections by which each client watches it. It keeps no count of what was opened.

    SecantusDB notices a closed connection only after half a second; so its peak is a little high,
    too, where clients come and go.
    """
    events = PoolEvents()
    monitoring.register(events)
    return Counter(database.connections, lambda: events.created, stable_s=0.7)


class PoolEvents(monitoring.ConnectionPoolListener):
    created = 0

    def connection_created(self, event: monitoring.ConnectionCreatedEvent) -> None:
        self.created += 1

    def pool_created(self, event: Any) -> None:
        """Not counted; the listener must have it, as it must have the rest."""

    pool_ready = pool_cleared = pool_closed = pool_created
    connection_ready = connection_closed = pool_created
    connection_check_out_started = connection_check_out_failed = pool_created
    connection_checked_out = connection_checked_in = pool_created


def counters(databases: Databases | None) -> Counters:
    """What counts the connections to a side's databases, those that are there."""
    by_server: Counters = {}
    if databases and databases.postgres:
        with suppress(*SERVER_GONE):  # its tests will say so
            by_server["postgres"] = of_postgres(databases.postgres)
    if databases and databases.mongo:
        by_server["mongodb"] = of_mongo(databases.mongo)
    return by_server


def note_peaks(counters: Counters) -> None:
    """Note how many are open now; called at the end of each test's body, before its teardown."""
    for name, counter in list(counters.items()):
        try:
            counter.peak = max(counter.peak, counter.open_now())
        except SERVER_GONE:  # the run is invalid, and its tests say why
            del counters[name]


def totals(counters: Counters) -> dict[str, ConnectionCounts]:
    gc.collect()  # what nobody holds is closed now, not whenever the collector comes by
    counts = {}
    for name, counter in counters.items():
        try:
            left_open, opened = settled(counter), counter.opened()
        except SERVER_GONE:
            continue
        # Short-lived connections are gone when a test's body ends; one opened was one at the peak.
        peak = max(counter.peak, left_open, min(opened, 1))
        counts[name] = ConnectionCounts(opened=opened, peak=peak, left_open=left_open)
    return counts


def settled(counter: Counter) -> int:
    """What is open, once it is nothing or has been the same for as long as the server needs."""
    last, since = counter.open_now(), time.monotonic()
    while last and time.monotonic() - since < counter.stable_s:
        time.sleep(0.02)
        now = counter.open_now()
        if now != last:
            last, since = now, time.monotonic()
    return last
