"""Fixtures shared by all tests: a real Postgres, an encoder, real data where it is at hand."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.db import embedded, migrate
from app.db.pool import Database, open_database
from app.settings import ROOT, Settings


def data_dir() -> Path | None:
    """The real data's folder: SOLEMATE_DATA, or shared/data beside the checkout."""
    named = os.environ.get("SOLEMATE_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if (folder / "shoes" / "labels.csv").is_file() else None


@pytest.fixture(scope="session")
def real_data() -> Path:
    """shared/data; the test is skipped where it is absent."""
    folder = data_dir()
    if folder is None:
        pytest.skip("no data: neither SOLEMATE_DATA nor ../shared/data")
    return folder


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """A home with an embedded server of this test session's own."""
    # Short, because a socket path may have 107 bytes; and not under the user's home.
    home = Path(tempfile.mkdtemp(prefix="sm-", dir="/tmp"))
    home.chmod(0o755)
    embedded.start(home)
    yield home
    embedded.stop(home)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server_home: Path) -> str:
    """A migrated, empty database that tests copy: quicker than migrating each."""
    name = "template_solemate"
    url = embedded.ensure_database(server_home, name)
    migrate.upgrade(url)
    return name


def _admin(home: Path, statement: str) -> None:
    url = embedded.url(home, "postgres")
    assert url is not None, "the test session's server is gone"
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(statement)


@pytest.fixture
def settings(server_home: Path, template: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a fresh, migrated database; images lie in the test's folder."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    _admin(server_home, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield Settings(
        home=server_home, database=name, database_url=None, image_store=tmp_path / "images"
    )
    _admin(server_home, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    """A migrated, empty database."""
    with open_database(settings, size=4) as database:
        yield database
