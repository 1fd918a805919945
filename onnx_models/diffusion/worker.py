"""``python -m onnx_models.diffusion.worker FOLDER``: draws, one picture at a time.

A line of JSON a message. In: ``{"job": 1, "prompt": ..., "seed": ..., "steps": ...,
"guidance": ..., "size": 0, "image": base64?, "strength": ...}`` and ``{"cancel": 1}``. Out:
``{"ready": true}``, ``{"job": 1, "step": 1, "steps": 4}``, then ``{"job": 1, "picture": base64}``
or ``{"job": 1, "fault": code, "detail": ...}``.
Ends with its standard input or after ``--idle`` seconds of rest.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any, TextIO


class Cancelled(Exception):
    """The job at work is not wanted any more."""


class Stage:
    """The pipelines of one folder; text-to-image and image-to-image share their sessions."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Raises whatever optimum and onnxruntime do for a folder they cannot use."""
        import onnxruntime as ort
        from optimum.onnxruntime import ORTPipelineForImage2Image, ORTPipelineForText2Image

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._text = ORTPipelineForText2Image.from_pretrained(
            folder, export=False, local_files_only=True, session_options=options
        )
        shared = {
            f"{name}_session": getattr(self._text, name).session
            for name in ("unet", "transformer", "text_encoder", "text_encoder_2", "vae_encoder",
                         "vae_decoder")
            if getattr(self._text, name, None) is not None
        }  # fmt: skip
        self._image = ORTPipelineForImage2Image.from_pretrained(
            folder, export=False, local_files_only=True, session_options=options, **shared
        )
        for pipeline in (self._text, self._image):
            pipeline.set_progress_bar_config(disable=True)

    def draw(self, job: dict[str, Any], step: Any) -> bytes:
        """The job's picture as PNG; ``step(n, of)`` is called after each and may raise."""
        import torch
        from PIL import Image

        steps, strength = int(job["steps"]), float(job.get("strength", 0.6))
        # Image-to-image runs only the last `strength` of the schedule: at least one step of it.
        asked = max(steps, round(steps / strength)) if "image" in job else steps
        runs = max(1, int(asked * strength)) if "image" in job else asked
        done = 0

        def after(_pipe: Any, _index: int, _time: Any, kept: dict[str, Any]) -> dict[str, Any]:
            nonlocal done
            done += 1
            step(done, max(runs, done))
            return kept

        common: dict[str, Any] = {
            "prompt": job["prompt"],
            "num_inference_steps": asked,
            "guidance_scale": float(job["guidance"]),
            "generator": torch.Generator("cpu").manual_seed(int(job["seed"])),
            "callback_on_step_end": after,
        }
        size = int(job.get("size", 0)) or self._own_size()
        if "image" in job:
            start = Image.open(io.BytesIO(base64.b64decode(job["image"]))).convert("RGB")
            made = self._image(image=_padded(start, size), strength=strength, **common)
        else:
            made = self._text(height=size, width=size, **common)
        if any(getattr(made, "nsfw_content_detected", None) or ()):
            raise PermissionError("the model's own safety check refused the picture")
        packed = io.BytesIO()
        made.images[0].save(packed, "PNG")
        return packed.getvalue()

    def _own_size(self) -> int:
        """The side in pixels the model was made for."""
        model = self._text.unet if self._text.unet is not None else self._text.transformer
        return int(model.config.sample_size) * int(self._text.vae_scale_factor)


def _padded(picture: Any, size: int) -> Any:
    """The picture in a white square, nothing of it lost."""
    from PIL import Image, ImageOps

    return ImageOps.pad(picture, (size, size), Image.Resampling.LANCZOS, color=(255, 255, 255))


class Worker:
    """Reads jobs and writes what becomes of them."""

    def __init__(self, stage: Stage, out: TextIO) -> None:
        self._stage = stage
        self._out = out
        self._jobs: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._cancelled: set[int] = set()

    def listen(self, lines: TextIO) -> None:
        """Takes messages in; runs in a thread of its own, so that a cancel is heard at work."""
        for line in lines:
            message = json.loads(line)
            if "cancel" in message:
                self._cancelled.add(int(message["cancel"]))
            else:
                self._jobs.put(message)
        self._jobs.put(None)

    def work(self, idle_s: float) -> None:
        """Draws until the input ends or nothing has come for ``idle_s``."""
        while True:
            try:
                job = self._jobs.get(timeout=idle_s)
            except queue.Empty:
                return
            if job is None:
                return
            self._one(job)

    def _one(self, job: dict[str, Any]) -> None:
        number = int(job["job"])

        def step(done: int, of: int) -> None:
            if number in self._cancelled:
                raise Cancelled
            self.say(job=number, step=done, steps=of)

        if number in self._cancelled:
            self.say(job=number, fault="cancelled", detail="")
            return
        try:
            picture = self._stage.draw(job, step)
        except Cancelled:
            self.say(job=number, fault="cancelled", detail="")
        except PermissionError as error:
            self.say(job=number, fault="refused", detail=str(error))
        except Exception as error:  # noqa: BLE001 - torch and onnxruntime share no base
            self.say(job=number, fault="worker", detail=f"{type(error).__name__}: {error}"[:500])
        else:
            self.say(job=number, picture=base64.b64encode(picture).decode())
        self._cancelled.discard(number)

    def say(self, **message: Any) -> None:
        """One line out."""
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()


def main() -> int:
    """The process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--idle", type=float, default=600.0)
    args = parser.parse_args()
    # Libraries print; what they print must not stand between our lines.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if hasattr(os, "nice"):
        os.nice(10)  # searches come first
    try:
        stage = Stage(args.folder, args.threads)
    except ImportError as error:
        out.write(json.dumps({"fault": "no_group", "detail": str(error)[:500]}) + "\n")
        return 3
    except Exception as error:  # noqa: BLE001 - as above
        detail = f"{type(error).__name__}: {error}"[:500]
        out.write(json.dumps({"fault": "no_model", "detail": detail}) + "\n")
        return 1
    worker = Worker(stage, out)
    worker.say(ready=True)
    threading.Thread(target=worker.listen, args=(sys.stdin,), daemon=True).start()
    worker.work(args.idle)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
