"""``python -m onnx_models.diffusion.export HUB_OR_FOLDER OUT``: a diffusers pipeline to ONNX."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path


def export(source: str, out: Path) -> None:
    """Exports text encoder, UNet, VAE and tokenizer of a Stable Diffusion class pipeline.

    The folder appears whole or not at all.

    Raises:
        FileExistsError: ``out`` holds files already.
        OSError, ValueError: the source cannot be read or is of an unsupported class.
    """
    from optimum.onnxruntime import ORTPipelineForText2Image

    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
        pipeline = ORTPipelineForText2Image.from_pretrained(source, export=True)
        whole = Path(folder) / "model"
        pipeline.save_pretrained(whole)
        if out.exists():
            out.rmdir()
        shutil.move(whole, out)


def main() -> int:
    """The command; its last line on standard error says what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    try:
        export(args.source, args.out)
    except ImportError as error:
        sys.stderr.write(f"the export group is not installed: {error}\n")
        return 3
    except (OSError, ValueError, RuntimeError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
