"""Start the embedded pair and the chat upstream, all at once."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from scripts.servers.embedded import Mongo, Postgres
from scripts.servers.model import Servers
from scripts.servers.upstream import Upstream


def start_embedded(token: str, folder: Path, stack: ExitStack) -> Servers:
    """The embedded servers, with what stops them on `stack`.

    Each is started before any is waited for. Without a MongoDB half the Postgres half still runs.
    """
    upstream = Upstream(folder, stack)
    absent = Mongo.absent()
    mongo = None
    if absent is None:
        mongo = Mongo(folder)
        stack.callback(mongo.stop)
    postgres = Postgres(folder)
    stack.callback(postgres.stop)
    return Servers(
        backend="embedded",
        token=token,
        postgres=postgres.wait(),
        mongodb=mongo.wait() if mongo else None,
        upstream=upstream.wait(),
        log_dir=str(folder),
        missing={"mongodb": absent} if absent else {},
    )
