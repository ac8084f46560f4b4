"""Do something beside everything else, in a thread that nobody waits for if it hangs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Answer = TypeVar("Answer")


def in_background(do: Callable[[], Answer]) -> Future[Answer]:
    """Begin to `do` it; the future has what it returned or raised."""
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            future.set_result(do())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future
