"""A Stable Diffusion pipeline of the usual classes: tiny, randomly initialised, on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import ROOT

GROUP = ("torch", "diffusers", "transformers", "optimum.onnxruntime")


def need_group() -> None:
    """Skips the test where the export group is not installed."""
    for name in GROUP:
        pytest.importorskip(name, reason="the export group is not installed", exc_type=ImportError)


def save(folder: Path) -> Path:
    """Makes the pipeline; returns its folder."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline
    from diffusers import UNet2DConditionModel as Unet
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    words = folder / "words"
    words.mkdir(parents=True)
    vocabulary = {"<|startoftext|>": 0, "<|endoftext|>": 1}
    for letter in "abcdefghijklmnopqrstuvwxyz0123456789,.-":
        vocabulary[letter] = len(vocabulary)
        vocabulary[f"{letter}</w>"] = len(vocabulary)
    (words / "vocab.json").write_text(json.dumps(vocabulary))
    (words / "merges.txt").write_text("#version: 0.2\n")
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL(
            block_out_channels=[32, 64],
            down_block_types=["DownEncoderBlock2D"] * 2,
            up_block_types=["UpDecoderBlock2D"] * 2,
            latent_channels=4,
            norm_num_groups=8,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                bos_token_id=0, eos_token_id=1, pad_token_id=1, vocab_size=1000, hidden_size=32,
                intermediate_size=37, num_attention_heads=4, num_hidden_layers=2,
            )
        ),
        tokenizer=CLIPTokenizer(
            str(words / "vocab.json"), str(words / "merges.txt"), model_max_length=77
        ),
        unet=Unet(
            block_out_channels=(32, 64),
            layers_per_block=1,
            sample_size=32,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=32,
            norm_num_groups=8,
        ),
        scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipeline.save_pretrained(folder / "pipeline")
    return folder / "pipeline"


def exported(folder: Path) -> Path:
    """The pipeline as `solemate dream export-model` leaves it."""
    source, out = save(folder / "made"), folder / "exported"
    subprocess.run(
        [sys.executable, "-m", "app", "dream", "export-model", str(source), str(out)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return out
