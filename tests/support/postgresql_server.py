"""Debian's PostgreSQL, started for the tests: a folder and a Unix socket of its own, a port only where one is given."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

OWNER = "postgres"


def programs() -> Path | None:
    """The folder of initdb and postgres; Debian keeps them off PATH."""
    found = shutil.which("initdb") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))[-1:]), None)
    return Path(found).resolve().parent if found else None


@contextmanager
def server(port: int | None = None) -> Iterator[sa.URL]:
    """A server's address as its owner; PostgreSQL refuses to run as root, so there it is Debian's own user.

    At the port, of this machine only, it asks for a password, and its owner has none.
    """
    bin_, user = programs(), OWNER if os.geteuid() == 0 else None
    assert bin_
    folder = Path(tempfile.mkdtemp(prefix="foresell-pg-"))
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data, settings = (
        folder / "data",
        f"-c listen_addresses='{'127.0.0.1' if port else ''}' -p {port or 5432} -k {folder}",
    )
    trust = ["--auth-local", "trust", "--auth-host", "scram-sha-256"]
    make = ["-U", OWNER, *trust, "-E", "UTF8", "--locale=C", "--no-sync", "-D", str(data)]
    run = partial(subprocess.run, user=user, cwd=folder, stdout=subprocess.DEVNULL)
    run([bin_ / "initdb", *make], check=True)
    control = [bin_ / "pg_ctl", "-D", str(data), "-w", "-s"]
    try:
        run([*control, "-l", str(folder / "log"), "-o", settings, "start"], check=True)
        yield sa.URL.create("postgresql+psycopg", OWNER, port=port, database=OWNER, query={"host": str(folder)})
    finally:
        run([*control, "-m", "immediate", "stop"], check=False)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh(at: sa.URL) -> Iterator[sa.URL]:
    """An empty database on the server, dropped in the end."""
    name = f"t{uuid4().hex}"
    engine = sa.create_engine(at, isolation_level="AUTOCOMMIT")
    with engine.connect() as con:
        con.exec_driver_sql(f"create database {name}")
        try:
            yield at.set(database=name)
        finally:
            con.exec_driver_sql(f"drop database {name} with (force)")
    engine.dispose()
