"""`solemate dream` in a terminal, on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.settings import get_settings
from tests.dream.conftest import Ground


@pytest.fixture
def runner(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SOLEMATE_HOME", str(ground.settings.home))
    monkeypatch.setenv("SOLEMATE_DATABASE", ground.settings.database)
    monkeypatch.setenv("SOLEMATE_IMAGE_STORE", str(ground.settings.images_dir))
    get_settings.cache_clear()
    monkeypatch.setattr("app.commands.dream.USER", "cli:test")
    return CliRunner()


def test_a_dream_from_the_first_picture_to_the_real_ones(runner: CliRunner, tmp_path: Path) -> None:
    out = tmp_path / "pictures"
    asked = ["dream", "--seed", "7", "--language", "en", "--out", str(out)]
    told = runner.invoke(app, [*asked, "--say", "write ZX, with wings", "--say", "this is it"])
    assert told.exit_code == 0, told.output
    assert "lettering “ZX”" in told.output
    assert "«wings»" in told.output
    assert "% alike" in told.output
    assert len(list(out.glob("*.png"))) == 2
    again = runner.invoke(
        app, ["dream", "--resume", "--language", "ru", "--out", str(out), "--say", "назад"]
    )
    assert again.exit_code == 0, again.output
    assert "Вернулся на шаг 1" in again.output
    get_settings.cache_clear()
