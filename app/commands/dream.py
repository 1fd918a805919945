"""``solemate dream``: the dream in a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.dream.dream import Dream
    from app.dream.sessions import Step
    from app.i18n import Catalogue

app = typer.Typer(help="Dream up a sneaker and find the nearest real ones.")
USER: str = "cli"


@app.callback(invoke_without_command=True)
def dream(
    context: typer.Context,
    say: Annotated[
        list[str] | None,
        typer.Option("--say", help="a change, «это они» to search; repeatable; else asked for"),
    ] = None,
    photo: Annotated[Path | None, typer.Option(help="start from a picture of your own")] = None,
    image: Annotated[int | None, typer.Option(help="start from a catalogue picture's id")] = None,
    seed: Annotated[int | None, typer.Option(help="of the random shoe")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the last dream")] = False,
    generator: Annotated[
        str | None, typer.Option(help="sketch, images-api or diffusion; default: the setting")
    ] = None,
    out: Annotated[Path, typer.Option(help="folder the pictures are written to")] = Path("dream"),
    limit: Annotated[int, typer.Option(min=1, max=100, help="products")] = 8,
    language: Annotated[str | None, typer.Option(help="ru or en; default: the terminal's")] = None,
) -> None:
    """A random sneaker, what should change, again until "this is it", then the real ones."""
    if context.invoked_subcommand is not None:
        return
    from app import present
    from app.db.pool import open_database
    from app.dream.setup import open_dream
    from app.errors import BadInput
    from app.i18n import catalogue
    from app.search import open_searcher
    from app.settings import get_settings

    if sum((photo is not None, image is not None, resume)) > 1:
        raise BadInput("give one of --photo, --image and --resume")
    settings = get_settings()
    if generator is not None:
        settings = settings.model_copy(update={"dream_generator": generator})
    words = catalogue(present.terminal_language(language))
    with open_database(settings, size=2) as db:
        whole = open_dream(settings, db, open_searcher(settings, db))
        try:
            talk = _Talk(whole, words, out, limit)
            talk.begin(photo, image, seed, resume=resume)
            for words_said in say or _asked(words):
                if not talk.said(words_said):
                    break
        finally:
            whole.dreamer.close()


def _asked(words: Catalogue) -> list[str] | _Prompts:
    return _Prompts(words)


class _Prompts:
    """Lines from the terminal, until it ends or one is empty."""

    def __init__(self, words: Catalogue) -> None:
        self._words = words

    def __iter__(self) -> _Prompts:
        return self

    def __next__(self) -> str:
        question = self._words.text("dream.question").replace("<b>", "").replace("</b>", "")
        typer.echo(question)
        try:
            line = input("> ").strip()
        except EOFError:
            raise StopIteration from None
        if not line:
            raise StopIteration
        return line


class _Talk:
    """One conversation in the terminal."""

    def __init__(self, whole: Dream, words: Catalogue, out: Path, limit: int) -> None:
        self._dream = whole
        self._words = words
        self._out = out
        self._limit = limit
        self._step: Step | None = None

    def begin(
        self, photo: Path | None, image: int | None, seed: int | None, *, resume: bool
    ) -> None:
        """The first picture, or the one the last dream stands at."""
        dreamer = self._dream.dreamer
        if resume:
            self._step = dreamer.dreams.current(USER)
            if self._step is not None:
                self._show(self._words.text("dream.undone", number=self._step.number))
                return
            typer.echo(self._words.text("dream.none"))
        data = None
        if photo is not None:
            data = photo.read_bytes() if photo.is_file() else b""
        elif image is not None:
            data = self._dream.picture_of(image)
        seen = self._dream.look(data) if data is not None else None
        if data is not None and seen is None:
            typer.echo(self._words.text("dream.photo_no_shoe"))
        said = self._words.text("dream.begun")
        if seen is not None:
            said = self._words.text("dream.from_photo", what=", ".join(seen.says(self._words)))
        start = seen.design if seen else None
        self._draw(
            lambda name: dreamer.begin(USER, design=start, seed=seed, generator=name),
            lambda _: said,
        )

    def said(self, text: str) -> bool:
        """One line of the user's; False when it was the last."""
        from app.dream.phrases import report

        assert self._step is not None
        step, dreamer, words = self._step, self._dream.dreamer, self._words
        heard = dreamer.hear(step, text)
        commands = heard.reading.commands
        if heard.changes_anything:
            self._draw(
                lambda name: dreamer.change(step, heard, text, generator=name),
                lambda name: report(heard.drawn_by(dreamer.takes_words(name)), words),
            )
        elif not commands:
            typer.echo(report(heard, words) or words.text("dream.nothing_heard"))
        elif "undo" in commands:
            back = dreamer.undo(USER, step)
            if back is None:
                typer.echo(words.text("dream.first"))
            else:
                self._step = back
                self._show(words.text("dream.undone", number=back.number))
        elif "surprise" in commands:
            self._draw(
                lambda name: dreamer.surprise(step, generator=name),
                lambda _: words.text("dream.surprised"),
            )
        if "done" in commands:
            self._find()
            return False
        return True

    def _draw(self, draw: Callable[[str | None], Step], said: Callable[[str], str]) -> None:
        """Draws; after a fault the sketch draws the same, and goes on from there. ``said`` is of
        the generator that drew."""
        from app.dream.generators.base import GeneratorFault

        try:
            self._step = draw(None)
        except GeneratorFault as fault:
            typer.echo(self._words.text(f"dream.fault.{fault.code}"), err=True)
            if fault.detail:
                typer.echo(f"solemate: {fault.detail}", err=True)
            self._step = draw("sketch")
        self._show(said(self._step.generator))

    def _show(self, said: str) -> None:
        assert self._step is not None
        self._out.mkdir(parents=True, exist_ok=True)
        path = self._out / f"{self._step.session_id}-{self._step.number}.png"
        path.write_bytes(self._step.picture)
        by = "dream.by_sketch" if self._step.generator == "sketch" else "dream.by_generator"
        typer.echo(f"{said}\n{self._words.text(by, name=self._step.generator)}\n{path}")

    def _find(self) -> None:
        from html import unescape

        from app import present

        assert self._step is not None
        found = self._dream.find(self._step, page_size=self._limit, user_key=USER)
        words = self._words
        if not found.result.hits:
            typer.echo(words.text("dream.empty"))
            return
        for line in found.says(words):
            typer.echo(unescape(line.replace("<b>", "").replace("</b>", "")))
        present.print_table(found.result, words)


@app.command("export-model")
def export_model(
    source: Annotated[str, typer.Argument(help="hub id (stabilityai/sd-turbo) or folder")],
    out: Annotated[Path, typer.Argument(help="the folder to make")],
) -> None:
    """Export a diffusion pipeline to ONNX for the generator `diffusion`."""
    from app.errors import BadInput
    from app.settings import ROOT

    if source.startswith(("/", "./", "../", "~")):
        if not Path(source).expanduser().is_dir():
            raise BadInput(f"there is no folder {source}")
        source = str(Path(source).expanduser().absolute())
    told = subprocess.run(  # noqa: S603 - our own module; the arguments are the operator's
        [sys.executable, "-m", "onnx_models.diffusion.export", source, str(out.absolute())],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if told.returncode == 3:
        raise BadInput("the export group is not installed: pip install 'solemate[export]'")
    if told.returncode:
        lines = told.stderr.strip().splitlines()
        raise BadInput(f"{source} was not exported: {lines[-1] if lines else 'no reason given'}")
    typer.echo(f"{out}: SOLEMATE_DIFFUSION_MODEL={out} SOLEMATE_DREAM_GENERATOR=diffusion")
