"""``solemate encode``: pictures or words to vectors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np


def encode(
    out: Annotated[Path, typer.Option("--out", help=".npy file to write")],
    images: Annotated[list[Path] | None, typer.Argument(help="picture files")] = None,
    text: Annotated[list[str] | None, typer.Option("--text", help="words; repeatable")] = None,
    encoder: Annotated[str | None, typer.Option("--encoder", help="name or folder")] = None,
) -> None:
    """Write the pictures' embeddings, float32 (n, d), L2-normalised, in input order."""
    import numpy as np

    from app.errors import BadInput, EncoderError, ImageError
    from app.settings import get_settings
    from app.vision.image import decode
    from app.vision.registry import open_encoder

    settings = get_settings()
    if bool(images) == bool(text):
        raise BadInput("give either picture files or --text WORDS")
    if text:
        from app.vision.text import open_text_tower

        name = encoder or settings.encoder
        tower = open_text_tower(name, settings)
        if tower is None:
            raise EncoderError(f"encoder {name} has no text tower")
        _write(out, tower.encode(text), tower.name)
        return
    images = images or []
    model = open_encoder(encoder or settings.encoder, settings)
    batches = []
    for start in range(0, len(images), 32):
        pictures = []
        for path in images[start : start + 32]:
            try:
                decoded = decode(
                    path,
                    max_bytes=settings.max_image_bytes,
                    max_pixels=settings.max_image_pixels,
                )
            except ImageError as error:
                raise ImageError(error.code, f"{path}: {error}") from error
            pictures.append(decoded.image)
        batches.append(model.encode(pictures))
    vectors = np.concatenate(batches).astype(np.float32)
    _write(out, vectors, model.name)


def _write(out: Path, vectors: np.ndarray, name: str) -> None:
    import numpy as np

    with out.open("wb") as file:  # np.save would add .npy to another name
        np.save(file, vectors)
    typer.echo(f"{out}: {vectors.shape[0]} x {vectors.shape[1]}, {name}", err=True)
