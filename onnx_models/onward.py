"""What training begins with: another run's checkpoint, an artifact, or taught layers; and what
stays of it in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import onnx
import torch
from torch import Tensor

from onnx_models.before import fill, unpacked
from onnx_models.fit import checkpoint, store
from onnx_models.lessons import Common
from onnx_models.model import READS, Trunk

AGAIN: Final = 0.4
"""Share of the other peaks for a network that was trained before."""
LAYERS: Final = "layers.pt"
STAY: Final = 0.3
"""Share of the weights a trunk went on from that stays in the mean that serves."""
STAYED: Final = "stayed"


def kept_at(path: Path, *, weights_only: bool) -> dict[str, Any]:
    """What another run kept.

    Raises:
        SystemExit: there is nothing.
    """
    try:
        found: dict[str, Any] = torch.load(path, weights_only=weights_only, map_location="cpu")
    except FileNotFoundError as error:
        raise SystemExit(f"no run was kept at {path}") from error
    return found


def go_on(network: Trunk, common: Common, path: Path) -> float:
    """Begin with the average that another run kept at ``path``, its style turned to the directions
    of this run's training pictures; of its classifiers of labels those with as many classes now. Or
    with the trunk of the artifact in the folder ``path``, which has neither, nor what reads the
    style in training. AGAIN.

    Raises:
        SystemExit: there is none, or the artifact's trunk has another plan.
    """
    if path.is_dir():
        weights = unpacked(onnx.load(str(path / "model.onnx")))
        try:
            fill(network, weights, "trunk.", left=("colour", "to_style"))
        except KeyError as error:
            raise SystemExit(f"the trunk of {path} has another plan: no {error}") from error
        return AGAIN
    state = kept_at(path, weights_only=True)
    network.load_state_dict(state["slow"])
    common.contrast.load_state_dict(state["contrast"])
    common.labels.take(state["labels"])
    if "axes" in state:
        turn = common.known.axes.cpu().T @ state["axes"].float()
        with torch.no_grad():
            for values in (network.to_style.weight, network.to_style.bias):
                values.copy_(turn.to(values.device) @ values)
    return AGAIN


def begin(trunk: Trunk, where: Path, alone: bool) -> float:
    """Put the taught layers into the trunk, and behind them what the tutor reads from its own,
    which began at random as well and learned here: AGAIN. ``alone``: no such tutor was trained, and
    what reads starts as it is: 1.

    Raises:
        SystemExit: there are no layers, or no tutor.
    """
    layers = kept_at(where / LAYERS, weights_only=True)
    tutor = {} if alone else kept_at(checkpoint(where, "tutor"), weights_only=False)["slow"]
    reads = {n: v for n, v in tutor.items() if n.startswith(READS)}
    trunk.load_state_dict({**trunk.state_dict(), **layers, **reads})
    return 1.0 if alone else AGAIN


def stay(kept: Path, before: dict[str, Tensor]) -> None:
    """Mix into the average of a finished run the weights it began with (Wortsman et al. 2021, arXiv
    2109.01903: between the two lies what does better than either on pictures of another kind)."""
    state = kept_at(kept, weights_only=False)
    state["slow"] = {
        name: torch.lerp(value, before[name].to(value), STAY)
        if value.is_floating_point()
        else value
        for name, value in state["slow"].items()
    }
    store({**state, STAYED: STAY}, kept)


def over(kept: Path) -> bool:
    """Whether a run that goes on from another is finished and mixed: it cannot be resumed."""
    return kept.exists() and STAYED in kept_at(kept, weights_only=False)


def halved(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same in half precision."""
    return {
        name: value.half() if value.dtype.is_floating_point else value
        for name, value in weights.items()
    }


def carry(kept: Path, out: Path) -> None:
    """Write what :func:`go_on` reads of a run's checkpoint in half precision: small enough to stand
    in the repository, so that another machine trains on."""
    state = kept_at(kept, weights_only=False)
    halves = {name: halved(state[name]) for name in ("slow", "contrast", "labels")}
    facts = {name: state[name] for name in ("sizes", "axes", "step", "elapsed")}
    out.parent.mkdir(parents=True, exist_ok=True)
    store({**halves, **facts, "axes": state["axes"].half()}, out)
