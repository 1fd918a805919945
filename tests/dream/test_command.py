"""`solemate dream` in a terminal, on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.i18n import catalogue
from app.settings import get_settings
from tests.dream.conftest import Ground
from tests.dream.images_server import KEY, given, refused, serving_images


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


def test_a_fault_on_the_way_is_told_and_the_sketch_goes_on(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving_images() as server:
        server.answers = [lambda _: given(), lambda _: refused(400, "content_policy_violation")]
        monkeypatch.setenv("SOLEMATE_DREAM_GENERATOR", "images-api")
        monkeypatch.setenv("SOLEMATE_IMAGES_API_URL", server.url)
        monkeypatch.setenv("SOLEMATE_IMAGES_API_KEY", KEY)
        get_settings.cache_clear()
        told = runner.invoke(
            app, ["dream", "--language", "en", "--out", str(tmp_path), "--seed", "7",
                  "--say", "write ZX, wings", "--say", "purple sole", "--say", "this is it"],
        )  # fmt: skip
    get_settings.cache_clear()
    assert told.exit_code == 0, told.output
    words = catalogue("en")
    assert words.text("dream.by_generator", name="images-api") in told.output
    assert words.text("dream.fault.refused") in told.output
    assert words.text("dream.lost", what="«wings»") in told.output
    assert told.output.count(words.text("dream.by_sketch")) == 2
    assert len(server.asked) == 2  # what was drawn as a sketch goes on as one
    assert "% alike" in told.output
