#!/usr/bin/python3
"""The entry point of CI's stand-in for the image `mongo`. What runs inside is SecantusDB.

MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD mean what they mean in the official
image: both or neither; with them a temporary server on loopback makes that user, and the real one
then lets nobody in without a password. It says "Waiting for connections", as mongod does, each time
it listens.
"""

import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path

import pymongo
from pymongo.errors import PyMongoError

DATA = Path("/data/db")
PORT = 27017
START_LIMIT_S = 30


def step_down() -> None:
    """Go on as the user mongo."""
    user = pwd.getpwnam("mongo")
    DATA.mkdir(parents=True, exist_ok=True)
    os.chown(DATA, user.pw_uid, user.pw_gid)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ["HOME"] = user.pw_dir


def command(host: str, *options: str) -> list[str]:
    """SecantusDB, by itself on the data folder."""
    config = DATA / "secantusd.toml"
    config.touch()  # an empty one
    start = [sys.executable, "-m", "secantus", "--config", str(config), "--standalone"]
    place = ["--host", host, "--port", str(PORT), "--storage-path", str(DATA / "store")]
    return [*start, *place, "--cache-size", "64M", *options]


def wait_until_it_answers() -> None:
    """Ask until there is an answer, then say what mongod says."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        try:
            with pymongo.MongoClient(port=PORT, serverSelectionTimeoutMS=500) as client:
                client.admin.command("ping")
        except PyMongoError:
            time.sleep(0.05)
        else:
            print('{"c":"NETWORK","msg":"Waiting for connections"}', flush=True)
            return
    sys.exit("the server does not answer")


def make_root(name: str, password: str) -> None:
    """The user, made through a server that only this container reaches."""
    server = subprocess.Popen(command("127.0.0.1", "--sync-on-commit"))
    wait_until_it_answers()
    with pymongo.MongoClient(port=PORT) as client:
        client.admin.command("createUser", name, pwd=password, roles=["root"])
    server.kill()  # what is committed is on the disk, and a proper end would take two seconds
    server.wait()


def main() -> None:
    """Run the server until it ends."""
    name = os.environ.get("MONGO_INITDB_ROOT_USERNAME", "")
    password = os.environ.pop("MONGO_INITDB_ROOT_PASSWORD", "")
    if bool(name) != bool(password):
        sys.exit("error: missing 'MONGO_INITDB_ROOT_USERNAME' or 'MONGO_INITDB_ROOT_PASSWORD'")
    step_down()
    if name and not (DATA / "store").exists():
        make_root(name, password)
    server = subprocess.Popen(command("0.0.0.0", *(["--auth"] if name else [])))
    for number in (
        signal.SIGTERM,
        signal.SIGINT,
    ):  # the first process ignores what it does not take
        signal.signal(number, lambda *_: server.kill())
    wait_until_it_answers()
    sys.exit(server.wait())


main()
