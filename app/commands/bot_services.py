"""The bot's services with what only the top of the house may know: the ETL's fetcher."""

from __future__ import annotations

from dataclasses import replace

from app.bot.services import Services
from app.settings import Settings


def open_services(settings: Settings) -> Services:
    """Everything the bot has; its links are read by the ETL's fetcher and page reader."""
    from app.bot.main import open_services as without_links
    from app.commands.links import PageReader

    return replace(without_links(settings), links=PageReader(settings))
