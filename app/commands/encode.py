"""``solemate encode``: pictures to vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def encode(
    images: Annotated[list[Path], typer.Argument(help="picture files")],
    out: Annotated[Path, typer.Option("--out", help=".npy file to write")],
    encoder: Annotated[str | None, typer.Option("--encoder", help="name or folder")] = None,
) -> None:
    """Write the pictures' embeddings, float32 (n, d), L2-normalised, in input order."""
    import numpy as np

    from app.errors import ImageError
    from app.settings import get_settings
    from app.vision.image import decode
    from app.vision.registry import open_encoder

    settings = get_settings()
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
    with out.open("wb") as file:  # np.save would add .npy to another name
        np.save(file, vectors)
    typer.echo(f"{out}: {vectors.shape[0]} x {vectors.shape[1]}, {model.name}", err=True)
