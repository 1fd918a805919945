"""``solemate bot``: the Telegram bot."""

from __future__ import annotations

import typer


def bot() -> None:
    """Run the Telegram bot (its token: SOLEMATE_BOT_TOKEN, or a secret file solemate_bot_token)."""
    from app.bot.main import run
    from app.commands.bot_services import open_services
    from app.settings import get_settings

    raise typer.Exit(run(get_settings(), open_services))
