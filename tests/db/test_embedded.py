"""The embedded server: started on first use, shared, tuned, outliving its clients."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from app.db import embedded
from app.db.pool import check_server, connect, database_url, open_database
from app.errors import DatabaseUnavailable, DatabaseUnsuitable
from app.settings import Settings

GIB = 1024**3


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sm-", dir="/tmp", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder
        embedded.stop(folder)


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SOLEMATE_HOME": str(home)}
    environment.pop("DATABASE_URL", None)
    return subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", *arguments],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_life_of_the_server_through_the_command(home: Path, tmp_path: Path) -> None:
    assert run(home, "db", "status").returncode == 1
    assert "not made yet" in run(home, "db", "status").stdout

    url = run(home, "db", "url").stdout.strip()
    assert url.startswith("postgresql://postgres@/solemate?host=/")
    migrated = run(home, "db", "migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert "none -> r0011_elsewhere" in migrated.stdout

    status = run(home, "db", "status")
    assert status.returncode == 0, status.stderr
    assert "0 products" in status.stdout

    answer = run(home, "db", "psql", "--", "-Atc", "SELECT 6 * 7")
    assert answer.stdout.strip() == "42"

    with psycopg.connect(url) as conn:
        conn.execute("INSERT INTO brand (name) VALUES ('Kept')")
    file = tmp_path / "backup.dump"
    backup = run(home, "db", "backup", str(file))
    assert backup.returncode == 0, backup.stderr
    with psycopg.connect(url) as conn:
        conn.execute("UPDATE brand SET name = 'Lost'")
    restored = run(home, "db", "restore", "--yes", str(file))
    assert restored.returncode == 0, restored.stderr
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT name FROM brand").fetchall() == [("Kept",)]

    broken = tmp_path / "broken.dump"
    broken.write_bytes(b"not a dump")
    refused = run(home, "db", "restore", "--yes", str(broken))
    assert refused.returncode == 1
    assert "pg_restore failed" in refused.stderr
    assert run(home, "db", "restore", "--yes", str(tmp_path / "none")).returncode == 2

    assert run(home, "db", "stop").stdout.strip() == "stopped"
    assert run(home, "db", "stop").stdout.strip() == "was not running"
    with open_database(Settings(home=home, database_url=None)) as db, db.connection() as conn:
        assert conn.execute("SELECT name FROM brand").fetchall() == [("Kept",)]


def test_many_at_once_start_one_server_and_a_killed_client_leaves_it_running(home: Path) -> None:
    settings = Settings(home=home, database_url=None, database="shared")
    with ThreadPoolExecutor(6) as pool:
        urls = set(pool.map(lambda _: database_url(settings), range(6)))
    assert len(urls) == 1
    before = embedded.status(home)
    client = subprocess.Popen(
        [sys.executable, "-c",
         "import sys, psycopg\n"
         "conn = psycopg.connect(sys.argv[1]); conn.execute('SELECT 1'); print('in', flush=True)\n"
         "conn.execute('SELECT pg_sleep(60)')", urls.pop()],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert client.stdout is not None
    assert client.stdout.readline() == "in\n"
    client.send_signal(signal.SIGKILL)
    client.wait()
    time.sleep(0.2)
    assert embedded.status(home) == before
    with connect(database_url(settings)) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_killed_server_is_started_again(home: Path) -> None:
    settings = Settings(home=home, database_url=None)
    with connect(database_url(settings)) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 1 AS one")
    pid = embedded.status(home).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while embedded.status(home).pid is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    with connect(database_url(settings)) as conn:
        assert conn.execute("SELECT one FROM kept").fetchone() == (1,)


def test_tuning_follows_the_machines_size() -> None:
    small = embedded.tuning(1 * GIB, 1, 64 * 1024**2)
    large = embedded.tuning(64 * GIB, 16, 32 * GIB)
    assert (small["shared_buffers"], large["shared_buffers"]) == ("128MB", "2048MB")
    assert (small["maintenance_work_mem"], large["maintenance_work_mem"]) == ("64MB", "1024MB")
    assert small["dynamic_shared_memory_type"] == "mmap", "a container's /dev/shm is too small"
    assert large["dynamic_shared_memory_type"] == "posix"


def test_the_server_runs_with_its_tuning(server_home: Path) -> None:
    url = embedded.url(server_home, "postgres")
    assert url is not None
    with psycopg.connect(url) as conn:
        jit, buffers = conn.execute(
            "SELECT current_setting('jit'), setting::bigint * 8192 FROM pg_settings"
            " WHERE name = 'shared_buffers'"
        ).fetchone() or (None, 0)
    assert jit == "off"
    assert buffers >= 128 * 1024**2


def test_an_unreachable_server_is_said_without_the_password() -> None:
    url = "postgresql://someone:very-secret@127.0.0.1:9/none"
    with pytest.raises(DatabaseUnavailable) as caught:
        connect(url, 2)
    assert "very-secret" not in str(caught.value)
    assert "Connection refused" in str(caught.value)
    assert "very-secret" not in repr(Settings(database_url=url))


def test_an_old_server_is_refused_with_the_version_needed() -> None:
    class Info:
        server_version = 150004

    class Old:
        info = Info()

    with pytest.raises(DatabaseUnsuitable, match="PostgreSQL 15 is too old: 16"):
        check_server(Old())  # type: ignore[arg-type]


def test_a_foreign_server_is_not_migrated_behind_its_operators_back(
    server_home: Path, template: str
) -> None:
    assert template
    name = f"foreign_{os.getpid()}"
    url = embedded.ensure_database(server_home, name)
    settings = Settings(database_url=url, home=server_home)
    with pytest.raises(DatabaseUnsuitable, match="solemate db migrate"):
        open_database(settings)
    admin = embedded.url(server_home, "postgres")
    assert admin is not None
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name}")
