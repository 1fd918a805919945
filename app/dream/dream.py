"""Everything a way in (bot, command line) needs of the dream: drawing, looking, finding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.domain import Filters, SearchResult
from app.dream.closeness import compare
from app.dream.dreamer import Dreamer
from app.dream.find import Finder
from app.dream.look import Seen, seen
from app.dream.phrases import Difference, differences
from app.dream.sessions import DreamGone, Step
from app.i18n import Catalogue, Html
from app.search import Searcher
from app.settings import Settings
from app.vision.image import decode


@dataclass(frozen=True, slots=True)
class Found:
    """The real ones, and an honest word on the first; ``percent`` is None where nothing of it can
    be compared with the design."""

    result: SearchResult
    percent: int | None
    close: bool
    differences: tuple[Difference, ...]

    def says(self, words: Catalogue) -> list[Html]:
        """How near the first pair comes and where it differs, a line each."""
        if self.percent is None:
            return [words.html("dream.found_unknown")]
        key = "dream.found" if self.close else "dream.found_far"
        listed = differences(self.differences, words)
        differs = words.html("dream.differs", what=listed) if listed else words.html("dream.agrees")
        return [words.html(key, percent=self.percent), differs]


class Dream:
    """Drawing, starting from pictures, and searching; calls block."""

    def __init__(
        self, dreamer: Dreamer, finder: Finder, searcher: Searcher, settings: Settings
    ) -> None:
        self.dreamer = dreamer
        self._finder = finder
        self._searcher = searcher
        self._settings = settings

    def look(self, data: bytes, title: str = "") -> Seen | None:
        """A design to start from, as a picture shows it; None where it shows no shoe.

        Raises:
            ImageError: the picture cannot be read.
        """
        picture = decode(
            data,
            max_bytes=self._settings.max_image_bytes,
            max_pixels=self._settings.max_image_pixels,
        ).image
        _, attributes = self._searcher.look([data])
        return seen(picture, attributes, title)

    def picture_of(self, image_id: int) -> bytes:
        """The file of a catalogue picture.

        Raises:
            DreamGone: it is not in the catalogue any more.
        """
        path = self.dreamer.dreams.image_path(image_id)
        if path is None:
            raise DreamGone("the picture is not in the catalogue any more")
        try:
            return (Path(self._settings.images_dir) / path).read_bytes()
        except OSError as error:
            raise DreamGone("the picture's file is gone") from error

    def find(
        self,
        step: Step,
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
    ) -> Found:
        """The real shoes nearest to a step.

        Raises:
            DatabaseUnavailable: the database cannot be reached now.
        """
        result = self._finder.find(
            step.design, step.picture, filters, page_size=page_size, user_key=user_key
        )
        self.dreamer.dreams.searched(step.session_id, result.search_id)
        if not result.hits:
            return Found(result, None, False, ())
        close = compare(step.design, result.hits[0])
        return Found(result, close.percent, close.close, close.differences)
