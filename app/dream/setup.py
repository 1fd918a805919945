"""The dream's parts put together from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.dream.dream import Dream
from app.dream.dreamer import Dreamer
from app.dream.find import Finder
from app.dream.generators.base import Generator
from app.dream.generators.diffusion import Diffusion, Model
from app.dream.generators.images_api import Account, ImagesApi
from app.dream.generators.sketch import Sketch
from app.dream.sessions import Dreams, Spending
from app.settings import Settings

if TYPE_CHECKING:
    from app.db.pool import Database
    from app.search import Searcher


def open_dreamer(settings: Settings, database: Database) -> Dreamer:
    """A dreamer with the sketch and whatever else the settings give what it needs.

    Raises:
        BadInput: the chosen generator is none that is known.
    """
    generators: dict[str, Generator] = {"sketch": Sketch()}
    chosen = settings.dream_generator
    if chosen == "images-api" or settings.images_api_key is not None:
        generators["images-api"] = ImagesApi(account(settings), Spending(database))
    if chosen == "diffusion" or settings.diffusion_model is not None:
        generators["diffusion"] = Diffusion(model(settings))
    return Dreamer(Dreams(database), generators, chosen)


def open_dream(settings: Settings, database: Database, searcher: Searcher) -> Dream:
    """The whole of it, on a searcher that is open already.

    Raises:
        BadInput: the chosen generator is none that is known.
    """
    finder = Finder(searcher, database)
    return Dream(open_dreamer(settings, database), finder, searcher, settings)


def account(settings: Settings) -> Account:
    """Where and for how much pictures are bought."""
    return Account(
        url=settings.images_api_url,
        key=settings.images_api_key,
        model=settings.images_api_model,
        size=settings.images_api_size,
        price=settings.images_api_price,
        daily_limit=settings.images_api_daily_limit,
        timeout_s=settings.images_api_timeout_s,
    )


def model(settings: Settings) -> Model:
    """Which diffusion model runs, and how."""
    return Model(
        folder=settings.diffusion_model,
        steps=settings.diffusion_steps,
        guidance=settings.diffusion_guidance,
        strength=settings.diffusion_strength,
        size=settings.diffusion_size,
        threads=settings.diffusion_threads,
        time_limit_s=settings.diffusion_time_limit_s,
    )
