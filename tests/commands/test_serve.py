"""`python -m scripts serve`: the app by hand."""

import signal
import socket

import httpx

from tests.support.commands import SCRIPTS, eventually, processes_of, started


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_the_app_is_served_until_ctrl_c_and_nothing_is_left(temporary, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    command = [*SCRIPTS, "serve", "--port", port]
    base = f"http://127.0.0.1:{port}"
    with started(command, tmp_path, TMPDIR=str(temporary)) as running:
        running.wait_for(f"{base}/docs")
        assert eventually(lambda: answers(f"{base}/docs"), 10)
        posted = httpx.post(f"{base}/jobs", json={"title": "Engineer", "company": "Northwind"})
        assert posted.status_code == 201
        assert httpx.get(f"{base}/jobs").json()["items"] == [posted.json()]

        running.process.send_signal(signal.SIGINT)

        done = running.end()
        eventually(lambda: not processes_of(temporary), 5)
        assert processes_of(temporary) == {}
        assert list(temporary.iterdir()) == []
    assert done.code == 0
    assert "Traceback" not in done.out
