"""The training loop that tutor and trunk share: by the clock, resumable, averaged, logged."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn

from onnx_models.model import Parts
from onnx_models.muon import Muon
from onnx_models.precision import bfloat16
from onnx_models.sampler import Batch
from onnx_models.validate import Validation

WARMUP: Final = 0.04
AVERAGE: Final = 0.998
CLIP: Final = 5.0
MUON: Final = 4.0
"""Muon's peak as a multiple of AdamW's: with rates matched its steps are a fifth of the rate long,
AdamW's early ones a whole."""


class Source(Protocol):
    """Where batches come from."""

    def batches(self, step: int, loaders: int) -> Iterator[Batch]:
        """Without end, from ``step`` on; ``loaders`` processes help."""


class Group(NamedTuple):
    """Parameters that learn alike; ``turned``: matrices that Muon teaches."""

    parameters: list[nn.Parameter]
    peak: float
    decay: float
    turned: bool = False


def split(parameters: list[nn.Parameter], peak: float, decay: float) -> list[Group]:
    """Weights decay; biases, norms and scales do not."""
    return [
        Group([p for p in parameters if p.ndim > 1], peak, decay),
        Group([p for p in parameters if p.ndim <= 1], peak, 0.0),
    ]


def matrices(parameters: list[nn.Parameter], peak: float, decay: float) -> list[Group]:
    """As :func:`split`, with matrices taught by Muon at MUON times the peak."""
    plain = [p for p in parameters if p.ndim != 2]
    square = [p for p in parameters if p.ndim == 2]
    return [Group(square, MUON * peak, decay, turned=True), *split(plain, peak, decay)]


class Optimiser:
    """AdamW, and Muon for what is to be turned; each group at its peak."""

    def __init__(self, groups: list[Group]) -> None:
        self.groups = sorted(groups, key=lambda group: group.turned)
        self.each: list[torch.optim.Optimizer] = []
        for turned in sorted({group.turned for group in groups}):
            some = [
                {"params": g.parameters, "lr": g.peak, "weight_decay": g.decay}
                for g in groups if g.turned == turned
            ]  # fmt: skip
            self.each.append(Muon(some) if turned else torch.optim.AdamW(some))

    def pace(self, share: float) -> None:
        """Set every group's learning rate to ``share`` of its peak."""
        settings = [one for optimiser in self.each for one in optimiser.param_groups]
        for found, group in zip(settings, self.groups, strict=True):
            found["lr"] = group.peak * share

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for optimiser in self.each:
            optimiser.zero_grad(set_to_none=True)

    def step(self) -> None:
        """One step."""
        for optimiser in self.each:
            optimiser.step()

    def state_dict(self) -> list[dict[str, Any]]:
        """For a checkpoint."""
        return [optimiser.state_dict() for optimiser in self.each]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Go on from one."""
        for optimiser, kept in zip(self.each, state, strict=True):
            optimiser.load_state_dict(kept)


@dataclass(frozen=True)
class Plan:
    """One run: ``network`` gives Parts of crops; ``others`` hold what else is learned.

    ``loss`` turns parts and batch into named losses, which ``weights`` scale; ``more`` looks at
    crops of the batch on its own, where there is more to learn from them.
    """

    name: str
    network: nn.Module
    slow: nn.Module
    others: dict[str, nn.Module]
    groups: list[Group]
    loss: Callable[[Parts, Batch], dict[str, Tensor]]
    weights: dict[str, float]
    mix: Callable[[], Tensor]
    """Weights of style, model, detail and colour in the vector that validation searches with."""
    minutes: float
    where: Path
    facts: dict[str, Any]
    check_every: float
    compile: bool
    resume: bool
    loaders: int = 0
    """Processes that draw batches ahead: a GPU waits for one."""
    more: Callable[[nn.Module, Tensor], dict[str, Tensor]] | None = None
    save_every: float = 3.0
    """Minutes."""
    saved: Callable[[Path], None] | None = None
    """What else is written whenever the checkpoint, given here, is."""


def device() -> torch.device:
    """Where tutor, layers and trunk are trained: on a GPU where torch sees one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def rate(progress: float) -> float:
    """Share of the peak learning rate: linear warm-up, then a cosine to zero."""
    if progress < WARMUP:
        return max(progress / WARMUP, 0.02)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - WARMUP) / (1 - WARMUP))))


@torch.no_grad()
def average(slow: nn.Module, fast: nn.Module, step: int) -> None:
    """Exponential moving average of weights and statistics (arXiv 1803.05407's cheap cousin)."""
    keep = min(AVERAGE, (1 + step) / (10 + step))
    pairs = list(zip(slow.state_dict().values(), fast.state_dict().values(), strict=True))
    old, new = zip(*((o, n) for o, n in pairs if o.dtype.is_floating_point), strict=True)
    torch._foreach_lerp_(old, new, 1 - keep)
    for count, now in pairs:
        if not count.dtype.is_floating_point:
            count.copy_(now)


def together(parameters: list[nn.Parameter]) -> None:
    """The mean of the workers' gradients. One process a core, each on its own half of a batch,
    meets once a step; threads would meet at every operation and wait for the slowest."""
    if not dist.is_initialized():
        return
    for parameter in parameters:
        if parameter.grad is None:  # a batch may lack a label altogether
            parameter.grad = torch.zeros_like(parameter)
    known = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([grad.flatten() for grad in known])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    at = 0
    for grad in known:
        grad.copy_(flat[at : at + grad.numel()].view_as(grad))
        at += grad.numel()


def agreed(progress: float) -> float:
    """The first worker's clock."""
    if not dist.is_initialized():
        return progress
    told = torch.tensor([progress])
    dist.broadcast(told, 0)
    return float(told)


def descend(loss: Tensor, optimiser: Optimiser, trained: list[nn.Parameter], clip: float) -> None:
    """One step down the mean of the workers' gradients, no longer than ``clip``."""
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    together(trained)
    nn.utils.clip_grad_norm_(trained, clip)
    optimiser.step()


def tell(entry: dict[str, Any], log: Path) -> None:
    """Print one line of a run's log, and append it."""
    line = json.dumps(entry)
    print(line, flush=True)
    with log.open("a", encoding="utf-8") as lines:
        lines.write(line + "\n")


def store(state: dict[str, Any], path: Path) -> None:
    """Keep ``state`` at ``path`` whole: an interruption leaves what was there."""
    torch.save(state, fresh := path.with_suffix(".new"))
    fresh.replace(path)


def the_first() -> bool:
    """Whether this is the worker that measures, logs and saves."""
    return not dist.is_initialized() or dist.get_rank() == 0


def meet() -> None:
    """Wait for the other workers: what the first has written is there then."""
    if dist.is_initialized():
        dist.barrier()


def checkpoint(where: Path, name: str) -> Path:
    """Where a run of this name keeps its state."""
    return where / f"{name}.pt"


def fit(plan: Plan, source: Source, validation: Validation | None) -> None:
    """Train until the clock says so; the checkpoint holds network, average and the rest.

    ``validation`` None: nothing is measured, as by all workers but the first.
    """
    path, there = checkpoint(plan.where, plan.name), device()
    for module in (plan.network, plan.slow):
        module.to(there)
    plan.slow.load_state_dict(plan.network.state_dict())
    modules = {"network": plan.network, "slow": plan.slow, **plan.others}
    optimiser = Optimiser(plan.groups)
    trained = [p for group in plan.groups for p in group.parameters]
    step, before = 0, 0.0
    if plan.resume and path.exists():
        state: dict[str, Any] = torch.load(path, weights_only=False, map_location=there)
        for name, module in modules.items():
            module.load_state_dict(state[name])
        optimiser.load_state_dict(state["optimiser"])
        step, before = state["step"], state["elapsed"]
    batches = source.batches(step, plan.loaders)
    forward = torch.compile(plan.network, dynamic=False) if plan.compile else plan.network
    log = plan.where / f"log-{plan.name}.jsonl"
    start = time.monotonic()
    checked = saved = before
    running: dict[str, Tensor] = {}
    since, since_time = step, start
    workers = dist.get_world_size() if dist.is_initialized() else 1

    def elapsed() -> float:
        return before + time.monotonic() - start

    first = the_first()

    def note(**entry: object) -> None:
        if not first:
            return
        tell({"step": step, "minutes": round(elapsed() / 60, 2), **entry}, log)

    def save() -> None:
        if not first:
            return
        held = {name: module.state_dict() for name, module in modules.items()}
        facts = {"step": step, "elapsed": elapsed(), **plan.facts}
        store({**held, "optimiser": optimiser.state_dict(), **facts}, path)
        if plan.saved:
            plan.saved(path)

    while (progress := agreed(elapsed() / (plan.minutes * 60))) < 1:
        optimiser.pace(rate(progress))
        batch = next(batches).to(there)
        plan.network.train()
        with bfloat16(there.type):
            parts = forward(batch.crops.contiguous(memory_format=torch.channels_last))
        losses = plan.loss(Parts(*parts), batch)
        if plan.more:
            losses |= plan.more(plan.network, batch.crops)
        loss = torch.stack([plan.weights[name] * value for name, value in losses.items()]).sum()
        descend(loss, optimiser, trained, CLIP)
        step += 1
        average(plan.slow, plan.network, step)
        for name, value in losses.items():  # asked for below: a GPU would wait for each here
            running[name] = running.get(name, 0) + value.detach()
        if step % 25 == 0:
            now = time.monotonic()
            note(
                loss={name: round(float(v) / (step - since), 3) for name, v in running.items()},
                pictures_per_second=round(
                    (step - since) * len(batch.rows) * workers / (now - since_time), 1
                ),
            )
            running.clear()
            since, since_time = step, time.monotonic()
        if validation and elapsed() - checked > plan.check_every * 60:
            note(validation=validation.measure(plan.slow, plan.mix()))
            checked = elapsed()
        if elapsed() - saved > plan.save_every * 60:
            save()
            saved = elapsed()
    save()
    if validation:
        note(validation=validation.measure(plan.slow, plan.mix()), final=True)
