"""Other people's suites, with and without whichloop: the same outcomes, order and warnings.

    python tests/whichloop/foreign.py [--only NAME …]

Takes the source distributions of `SUITES`, whose tests are in them, and runs these tests, on real
servers, in a virtual environment of their own (`.foreign/`): without whichloop, as it is by
default, with `--whichloop=strict`, and through the audit. What they need is pinned in
`requirements/foreign.txt`, the sources too. Held to:

* by default, and in strict, outcomes, their order and warnings with their places are the same;
* no failure is explained, since none of these suites fails because of event loops;
* strict fails besides what `Suite.strict` names, with the reason, and nothing else;
* the audit is sure of nothing: notes at most.

A test that also differs between two runs without whichloop is unsteady by itself: it is named and
not counted. Where a machine has no ::1, tests of IPv6 are left out. The exit status is 1 for a
difference. The ratio beside each suite is of one pair of runs, with whichloop to without it.
"""

import argparse
import asyncio
import json
import os
import re
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import asyncpg

sys.path.insert(0, str(Path(__file__).parent))

import servers

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
HOME = ROOT / ".foreign"
PINS = ROOT / "requirements" / "foreign.txt"
LIMIT_S = 300
# The plugins of pytest that the environment has: each suite gets its own.
PLUGINS = ("aiohttp", "anyio", "asyncio", "benchmark", "hypothesispytest", "mock", "timeout")
PLUGINS = (*PLUGINS, "trio", "xdist", "xdist.looponfail")


class Suite(NamedTuple):
    """``options``: pytest's, with names of `environment` in braces. ``plugins``: of `PLUGINS`.
    ``strict``: what strict alone fails, a pattern of node ids each with the reason."""

    options: str
    plugins: str
    strict: Mapping[str, str] = MappingProxyType({})


def of(folder: str, *names: str) -> str:
    return " ".join(f"{folder}/test_{name}.py" for name in names)


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


IPV6 = "" if has_ipv6() else "-k 'not ipv6 and not dualstack and not multi'"
REDIS = "--redis-url={WL_REDIS} -m 'asyncio and not redismod and not onlycluster and not ssl' "
SUITES = {
    "aiohttp-session": Suite(
        "-o asyncio_mode=auto --ignore tests/test_redis_storage.py "
        "--ignore tests/test_memcached_storage.py",  # which want Docker
        "aiohttp asyncio mock",
    ),
    "aiosqlite": Suite("aiosqlite/tests/smoke.py", ""),
    "anyio": Suite(f"-m 'not network' {IPV6}", "anyio hypothesispytest mock timeout trio"),
    "asgiref": Suite("", "asyncio"),
    "asyncpg": Suite(
        of("tests", "cancellation", "cursor", "execute", "listeners", "pool", "prepare")
        + of(" tests", "timeout", "transaction"),
        "",
    ),
    "httpcore": Suite("--ignore tests/test_api.py -k 'not timeout_during'", "anyio trio"),
    "httpx": Suite(f"-m 'not network' {IPV6}", "anyio trio"),
    "pymongo": Suite(
        of("test/asynchronous", "bulk", "collection", "custom_types", "gridfs", "async_loop_safety")
        + " -k 'not numerous and not large'",
        "asyncio",
        {"errors_on_different_loop": "it does so on purpose, and expects the driver's error"},
    ),
    "redis": Suite(
        REDIS
        + of("tests/test_asyncio", "connection_pool", "encoding", "lock", "pipeline", "scripting"),
        "asyncio timeout",
    ),
    "sqlalchemy": Suite("--dburi='{SQLALCHEMY}' test/ext/asyncio", ""),
    "starlette": Suite("--ignore tests/middleware/test_opentelemetry.py", "anyio"),
    "taskiq": Suite("--ignore tests/opentelemetry", "anyio mock xdist"),
    "uvicorn": Suite("-n 0 tests/middleware tests/protocols", "anyio mock xdist"),
}


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
    (HOME / "pytest.ini").write_text("[pytest]\n")  # or a suite without one gets ours
    (HOME / "plugin").mkdir(exist_ok=True)
    shutil.copy(HERE / "outcome_log.py", HOME / "plugin")
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
        pip += ["--no-build-isolation", "--require-hashes", "--no-binary", ",".join(SUITES)]
        call(*pip, "-d", scratch, "-r", str(listed))
        for archive in Path(scratch).glob("*.tar.gz"):
            with tarfile.open(archive) as tar:
                tar.extractall(HOME, filter="data")


def environment(urls: dict[str, str]) -> dict[str, str]:
    """What tells the suites where the servers are."""
    (sockets,) = re.findall("host=(.*)", urls["WL_POSTGRES"])
    host, port = re.findall("//(.*):(.*)/", urls["WL_MONGO"])[0]
    own = urls["WL_POSTGRES"].replace("/postgres?", "/of_others?")
    asyncio.run(prepare(own))
    return {
        **urls,
        "SQLALCHEMY": f"postgresql+asyncpg:{own}",
        **{"PGHOST": sockets, "PGUSER": "postgres", "DB_IP": host, "DB_PORT": port},
        # asyncpg's sources are not built: what is installed must come before them.
        **{"PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": ""},
    }


async def prepare(url: str) -> None:
    """A database as SQLAlchemy's suite wants it; as if it had two extensions that the embedded
    PostgreSQL comes without, and that no test of ours needs."""
    connection = await asyncpg.connect("postgresql:" + url.replace("/of_others?", "/postgres?"))
    await connection.execute("CREATE DATABASE of_others")
    await connection.close()
    connection = await asyncpg.connect("postgresql:" + url)
    for oid, name in enumerate(("citext", "hstore"), 90_000):
        row = f"{oid}, '{name}', 10, 11, false, '1.0'"
        await connection.execute(f"INSERT INTO pg_extension VALUES ({row}, NULL, NULL)")
    await connection.execute("CREATE SCHEMA test_schema")
    await connection.execute("CREATE SCHEMA test_schema_2")
    await connection.close()


class Run(NamedTuple):
    """What a run of a suite did, wrote and took, in seconds of the processor."""

    log: dict[str, list[Any]]
    out: str
    code: int
    took: float

    def ends(self) -> dict[str, int]:
        """How many tests ended how."""
        return Counter(row[2] for row in self.log["outcomes"] if row[1] == "call")


def run(name: str, env: dict[str, str], option: str) -> Run:
    """One run of a suite. Nothing of it leaves this machine."""
    suite = SUITES[name]
    (folder,) = HOME.glob(f"{name.replace('-', '_')}-*")
    pytest = [str(python()), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "outcome_log"]
    pytest += [f"-pno:{plugin}" for plugin in PLUGINS if plugin not in suite.plugins.split()]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log.json"
        done = subprocess.run(
            [*pytest, "--tb=short", *shlex.split(suite.options.format(**env)), option],
            cwd=folder,
            env={**os.environ, **env, "PYTHONPATH": str(HOME / "plugin"), "OUTCOME_LOG": str(log)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT_S,
            check=False,
        )
        data = json.loads(log.read_text()) if log.exists() else {"outcomes": []}
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not data["outcomes"] and "audit" not in option:
        raise SystemExit(f"{name}: no test ran\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    took = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Run(data, done.stdout + done.stderr, done.returncode, took)


def differences(first: Run, second: Run) -> set[str]:
    """The node ids whose outcomes or warnings differ, or whose place in the order does."""
    logs = first.log, second.log
    order = [[row[0] for row in log["outcomes"]] for log in logs]
    different = set()
    if set(order[0]) == set(order[1]) and order[0] != order[1]:
        different.add("(the order of tests)")
    for kind in ("outcomes", "warnings"):
        rows = [{tuple(row) for row in log[kind]} for log in logs]
        different |= {row[0] for row in rows[0] ^ rows[1]}
    return different


def check(name: str, env: dict[str, str]) -> bool:
    """Run a suite in every way, and print what there is to say; is all as it should be?"""
    modes = ("off", "explain", "strict")
    audit = run(name, env, "--whichloop-audit")  # first: it writes the bytecode, too
    off, *others = (run(name, env, f"--whichloop={mode}") for mode in modes)
    # Of what strict fails, each test with what it did.
    extra = dict(re.findall(r"^whichloop \(strict\): (\S+) (.*)", others[1].out, re.M))
    different = [differences(off, other) - {*extra} for other in others]
    unsteady: set[str] = set()
    if any(different):
        # Once more: what was a chance does not come twice in the same tests.
        unsteady = differences(off, run(name, env, "--whichloop=off"))
        for at, mode in enumerate(modes[1:]):
            if different[at] - unsteady:
                again = differences(off, run(name, env, f"--whichloop={mode}"))
                different[at] &= again - unsteady
            different[at] -= unsteady
    counts = ", ".join(f"{count} {end}" for end, count in sorted(off.ends().items()))
    ratios = " and ".join(f"{other.took / off.took:.2f}" for other in others)
    result = re.findall(r"\d+ loop problems?[^;]*", " ".join(audit.out.split()))
    print(
        f"{name}: {counts}; {len(off.log['warnings'])} warnings\n  {off.took:.1f} s of the "
        f"processor, by default and in strict {ratios} of it; audit: {' '.join(result)}"
    )
    for test in sorted(unsteady):
        print(f"  unsteady by itself: {test}")
    wrong = [
        f"different with {mode}: {test}"
        for mode, tests in zip(modes[1:], different, strict=True)
        for test in sorted(tests)
    ]
    wrong += [f"explained: {line}" for line in re.findall("^whichloop: .*", others[0].out, re.M)]
    for test, did in extra.items():
        reasons = [why for part, why in SUITES[name].strict.items() if part in test]
        if reasons:
            print(f"  strict fails {test}, which {did}: {reasons[0]}")
        else:
            wrong.append(f"strict fails {test}, which {did}")
    if audit.code:
        wrong.append(f"the audit:\n{audit.out[-3000:]}")
    for line in wrong:
        print(f"  WRONG, {line}")
    return not wrong


def main() -> int:
    """Run the suites; 1 for a difference that whichloop makes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=SUITES, action="append", metavar="NAME")
    names = parser.parse_args().only or SUITES
    sys.stdout.reconfigure(line_buffering=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # its servers end with it
    set_up()
    with ExitStack() as stack:
        starters = servers.databases, servers.redis
        urls = {key: url for start in starters for key, url in stack.enter_context(start()).items()}
        env = environment(urls)
        return max(not check(name, env) for name in names)


if __name__ == "__main__":
    sys.exit(main())
