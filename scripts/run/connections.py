"""How many connections a side opened, held at the peak and left open: asked of the servers.

Runs inside the side's pytest, before the process exits: afterwards nothing is open. The figures are
a remedy's price; no outcome depends on them.
"""

from __future__ import annotations

import gc
import time
from contextlib import suppress
from typing import Any

import psycopg
from pymongo import monitoring
from pymongo.errors import PyMongoError

from scripts.run.model import ConnectionCounts
from scripts.servers.ask import OWN_NAME
from scripts.servers.databases import MongoDatabase, PostgresDatabase

SERVER_GONE = (psycopg.OperationalError, PyMongoError)


class PostgresCounter:
    """Counts the connections to one side's Postgres database, our own left out."""

    stable_s = 0.1

    def __init__(self, database: PostgresDatabase) -> None:
        self._ask = database.ask
        self._before = self._sessions()
        self.peak = 0

    def open_now(self) -> int:
        """Connections open at this moment."""
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name <> %s"
            " AND backend_type = 'client backend'"  # autovacuum is in the database, too
        )
        return int(self._ask(query, OWN_NAME))

    def opened(self) -> int:
        """Connections opened since the start: Postgres counts each once it has been idle."""
        return self._sessions() - self._before

    def _sessions(self) -> int:
        query = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
        return int(self._ask(query))


class MongoCounter(monitoring.ConnectionPoolListener):
    """Counts the connections to one side's MongoDB, by the application name in its URL.

    The server lists what is open, with the two connections by which each client watches it. It
    keeps no count by name of what was opened: that is taken from the drivers' own pool events.
    """

    # SecantusDB notices a closed connection only after half a second; so its peak is a little high,
    # too, where clients come and go.
    stable_s = 0.7

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self.peak = 0
        self._opened = 0
        monitoring.register(self)

    def open_now(self) -> int:
        """Connections open at this moment."""
        return self._database.connections()

    def opened(self) -> int:
        """Connections that the drivers' pools opened since the start."""
        return self._opened

    def connection_created(self, event: monitoring.ConnectionCreatedEvent) -> None:
        """One more."""
        self._opened += 1

    def pool_created(self, event: Any) -> None:
        """Not counted; the listener must have it, as it must have the rest."""

    pool_ready = pool_cleared = pool_closed = pool_created
    connection_ready = connection_closed = pool_created
    connection_check_out_started = connection_check_out_failed = pool_created
    connection_checked_out = connection_checked_in = pool_created


# By the names that run.json gives the servers.
Counters = dict[str, PostgresCounter | MongoCounter]


def counters(postgres: PostgresDatabase | None, mongo: MongoDatabase | None) -> Counters:
    """What counts the connections to a side's databases, those that are there."""
    by_server: Counters = {}
    if postgres:
        with suppress(*SERVER_GONE):  # its tests will say so
            by_server["postgres"] = PostgresCounter(postgres)
    if mongo:
        by_server["mongodb"] = MongoCounter(mongo)
    return by_server


def note_peaks(counters: Counters) -> None:
    """Note how many are open now; called at the end of each test's body, before its teardown."""
    for name, counter in list(counters.items()):
        try:
            counter.peak = max(counter.peak, counter.open_now())
        except SERVER_GONE:  # the run is invalid, and its tests say why
            del counters[name]


def totals(counters: Counters) -> dict[str, ConnectionCounts]:
    """The counts by server at the end of the session."""
    gc.collect()  # what nobody holds is closed now, not whenever the collector comes by
    counts = {}
    for name, counter in counters.items():
        try:
            left_open = settled(counter)
            opened = counter.opened()
        except SERVER_GONE:
            continue
        # Short-lived connections are gone when a test's body ends; one opened was one at the peak.
        peak = max(counter.peak, left_open, min(opened, 1))
        counts[name] = ConnectionCounts(opened=opened, peak=peak, left_open=left_open)
    return counts


def settled(counter: PostgresCounter | MongoCounter) -> int:
    """What is open, once it is nothing or has been the same for as long as the server needs."""
    last, since = counter.open_now(), time.monotonic()
    while last and time.monotonic() - since < counter.stable_s:
        time.sleep(0.02)
        now = counter.open_now()
        if now != last:
            last, since = now, time.monotonic()
    return last
