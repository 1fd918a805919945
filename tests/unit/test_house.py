"""The house itself: compose file, command line's start, secrets, settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.db.pool import database_url
from app.settings import ROOT, Settings


def test_compose_file_follows_the_specification() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
         str(ROOT / "compose.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_commands_exist() -> None:
    """A service whose command is not there would restart for ever."""
    text = (ROOT / "compose.yaml").read_text()
    commands = re.findall(r"command: \[solemate, ([^\]]+)\]", text)
    assert len(commands) == 4
    for words in commands:
        names = [word.strip() for word in words.split(",") if not word.strip().startswith("-")]
        done = subprocess.run(
            [sys.executable, "-c", "from app.cli import main; main()", *names, "--help"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_serving_imports_no_training_framework_and_searching_no_bot() -> None:
    code = (
        "import sys; import app.cli, app.search, app.bot.main, etl.shop_run, etl.embed;"
        "print([m for m in ('torch','transformers','optimum','cv2','sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    lean = (
        "import sys; import app.cli; print([m for m in ('telegram','alembic','sqlalchemy','httpx',"
        "'onnxruntime','PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", lean], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", "the command's start is what every call waits for"


def test_secrets_come_from_files_and_are_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "solemate_bot_token").write_text("123:very-secret\n")
    (tmp_path / "solemate_database_password").write_text("pass word\n")
    monkeypatch.setenv("SOLEMATE_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@db.example/solemate")
    from app.settings import get_settings

    get_settings.cache_clear()
    try:
        settings = get_settings()
    finally:
        get_settings.cache_clear()
    assert settings.bot_token is not None
    assert settings.bot_token.get_secret_value() == "123:very-secret"
    assert "very-secret" not in repr(settings)
    assert "pass word" not in repr(settings)
    assert "password='pass word'" in database_url(settings)


def test_a_users_home_is_their_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    from app import settings

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/someone/.local/share")
    assert settings.default_home() == Path("/home/someone/.local/share/solemate")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert settings.default_home() == Path("/var/lib/solemate")


def test_the_environment_sets_every_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLEMATE_EXACT_LIMIT", "123")
    assert Settings().exact_limit == 123
