"""The ``solemate`` command."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from app.commands import bot, chat, db, demo, dream, encode, models, search
from app.errors import SolemateError
from app.settings import get_settings
from etl.cli import etl_app
from etl.match_cli import match_app

app = typer.Typer(
    name="solemate",
    help="Find the same sneaker on sale, and the most similar ones, from a photograph.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its frames print local variables, secrets among them
)
app.add_typer(db.app, name="db")
app.add_typer(etl_app, name="etl")
app.add_typer(match_app, name="match")
app.add_typer(models.app, name="models")
app.add_typer(dream.app, name="dream")
app.command("search")(search.search)
app.command("encode")(encode.encode)
app.command("demo")(demo.demo)
app.command("bot")(bot.bot)
app.command("chat")(chat.chat)


@app.callback()
def _options(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log what is being done.")
    ] = False,
) -> None:
    logging.basicConfig(
        level=logging.INFO if verbose else get_settings().log_level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )


def main() -> None:
    """Runs the command; an error with words for its user ends it with one line, no trace."""
    try:
        app()
    except SolemateError as error:
        typer.echo(f"solemate: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader (head, less) has gone: nothing is left to say and nobody to say it to.
        sys.stderr.close()
        sys.exit(1)
