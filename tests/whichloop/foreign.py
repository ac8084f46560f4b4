"""Other people's suites, with and without whichloop: the same outcomes, order and warnings.

    python tests/whichloop/foreign.py [anyio|httpx …]

Takes anyio's and httpx's source distributions, whose tests are in them, and runs those tests in a
virtual environment of their own (`.foreign/`), once with `--whichloop=off` and once as whichloop
is by default. Where a machine has no ::1, tests of IPv6 are left out: they fail there, and leave
sockets open that pytest reports with whatever test happens to run when the garbage is collected.
What they need is pinned in `requirements/foreign.txt`, the sources too. A test that
also differs between two runs without whichloop is unsteady by itself: it is named and not counted.
The exit status is 1 for a difference.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
HOME = ROOT / ".foreign"
PINS = ROOT / "requirements" / "foreign.txt"
SUITES = ("anyio", "httpx")
LIMIT_S = 900
OF_IPV6 = "not ipv6 and not dualstack and not multi"


def call(*command: str) -> None:
    """Run a step of the set-up; what it said is shown if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"failed: {' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def python() -> Path:
    return HOME / "venv" / "bin" / "python"


def set_up() -> None:
    """Make the environment anew if the pins have changed; whichloop itself is always new."""
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet"]
    stamp = HOME / "pins.txt"
    if not stamp.exists() or stamp.read_text() != PINS.read_text():
        HOME.mkdir(exist_ok=True)
        call(sys.executable, "-m", "venv", "--clear", str(HOME / "venv"))
        call(*uv, "--python", str(python()), "--require-hashes", "-r", str(PINS))
        sources()
        stamp.write_text(PINS.read_text())
    whichloop = [*uv, "--python", str(python()), "--no-deps", "--no-build-isolation"]
    call(*whichloop, "--reinstall", str(ROOT / "whichloop"))


def sources() -> None:
    """Fetch and unpack the source distributions, by the hashes of the same pins."""
    pins = re.split(r"\n(?=\S)", PINS.read_text())
    wanted = [pin for pin in pins if pin.split("==")[0] in SUITES]
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "sources.txt"
        listed.write_text("\n".join(wanted))
        pip = [str(python()), "-m", "pip", "download", "--quiet", "--no-deps"]
        pip += ["--require-hashes", "--no-binary", ",".join(SUITES), "-d", scratch]
        call(*pip, "-r", str(listed))
        for archive in Path(scratch).glob("*.tar.gz"):
            with tarfile.open(archive) as tar:
                tar.extractall(HOME, filter="data")


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def run(name: str, mode: str) -> dict[str, list]:
    """One run of a suite: its outcomes and warnings. Nothing of it leaves this machine."""
    (folder,) = HOME.glob(f"{name}-*")
    pytest = [str(python()), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "outcome_log"]
    pytest += [] if has_ipv6() else ["-k", OF_IPV6]
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log.json"
        subprocess.run(
            [*pytest, "-m", "not network", f"--whichloop={mode}"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(HERE), "OUTCOME_LOG": str(log)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT_S,
            check=False,
        )
        data: dict[str, list] = json.loads(log.read_text())
    if not data["outcomes"]:
        raise SystemExit(f"{name}: no test ran")
    return data


def differences(first: dict[str, list], second: dict[str, list]) -> set[str]:
    """The node ids whose outcomes or warnings differ, or whose place in the order does."""
    order = [[row[0] for row in run["outcomes"]] for run in (first, second)]
    different = set()
    if set(order[0]) == set(order[1]) and order[0] != order[1]:
        different.add("(the order of tests)")
    for kind in ("outcomes", "warnings"):
        rows = [{tuple(row) for row in run[kind]} for run in (first, second)]
        different |= {row[0] for row in rows[0] ^ rows[1]}
    return different


def main(names: list[str]) -> int:
    """Run the suites; 1 for a difference that whichloop makes."""
    set_up()
    failed = False
    for name in names or SUITES:
        off, on = run(name, "off"), run(name, "explain")
        unsteady: set[str] = set()
        different = differences(off, on)
        if different:
            unsteady = differences(off, run(name, "off"))
            # Once more with it: what was a chance does not come twice in the same tests.
            different = (different & differences(off, run(name, "explain"))) - unsteady
        failed |= bool(different)
        tests = {row[0] for row in off["outcomes"]}
        ends = [row[2] for row in off["outcomes"] if row[1] == "call"]
        counts = ", ".join(f"{ends.count(word)} {word}" for word in sorted(set(ends)))
        verdict = (
            f"DIFFERENT with whichloop: {sorted(different)}" if different else "the same with it"
        )
        print(f"{name}: {len(tests)} tests ({counts}), {len(off['warnings'])} warnings: {verdict}")
        for test in sorted(unsteady):
            print(f"  unsteady by itself: {test}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
