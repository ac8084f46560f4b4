"""Do the servers still answer? A frozen one refuses nothing, so somebody must ask."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from pymongo.errors import PyMongoError

from scripts.servers.ask import describe_mongodb, describe_postgres
from scripts.servers.model import Servers
from scripts.servers.process import last_lines

# A healthy server under a heavy load answers within this; so a frozen one is noticed after it.
ANSWER_LIMIT_S = 10
# Postgres answers with this even when it refuses ("too many clients already"): it is alive.
REFUSAL = "FATAL:"
# How much of a log is worth a sentence.
LINES = 3
LOGS = {"postgres": "postgres.log", "mongodb": "mongodb.log"}


def trouble(servers: Servers) -> str:
    """Which server does not answer, with the end of its log; "" if all do. Both are asked at once.

    A server that was missing from the start is none of this function's business.
    """
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda ask: ask(servers), (trouble_of_postgres, trouble_of_mongodb))
        return "; ".join(sentence for sentence in found if sentence)


def trouble_of_postgres(servers: Servers) -> str:
    """Why Postgres gives no answer, or ""."""
    if servers.postgres is None:
        return ""
    try:
        describe_postgres(servers.postgres.url, timeout_s=ANSWER_LIMIT_S)
    except psycopg.OperationalError as error:
        return "" if REFUSAL in str(error) else sentence(servers, "postgres", error)
    return ""


def trouble_of_mongodb(servers: Servers) -> str:
    """Why MongoDB gives no answer, or ""."""
    if servers.mongodb is None:
        return ""
    try:
        describe_mongodb(servers.mongodb.url, timeout_s=ANSWER_LIMIT_S)
    except PyMongoError as error:
        return sentence(servers, "mongodb", error)
    return ""


def sentence(servers: Servers, name: str, error: Exception) -> str:
    """ "postgres (PostgreSQL 18.4) no longer answers: …; its log ends: …"."""
    server = servers.postgres if name == "postgres" else servers.mongodb
    said = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
    text = f"{name} ({server}) no longer answers: {said}"
    log = end_of_log(servers, name)
    return f"{text}; its log ends: {log}" if log else text


def end_of_log(servers: Servers, name: str) -> str:
    """The last lines that a server of ours wrote, in a file or its container; "" of others'."""
    server = servers.postgres if name == "postgres" else servers.mongodb
    log = Path(servers.log_dir, LOGS[name])
    if log.is_file():
        return last_lines(log, LINES)
    if server is None or not server.container:
        return ""
    from scripts.servers.ready import last_lines_of  # docker's client, for who has containers

    return last_lines_of(server.container, LINES)
