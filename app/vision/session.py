"""The one place that builds onnxruntime sessions."""

from __future__ import annotations

import os
from pathlib import Path

import onnxruntime as ort

_ERRORS_ONLY = 3


def available_cores() -> int:
    """Cores this process may use: its affinity mask, cut by a cgroup v2 quota (containers)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        limit = max(1, int(quota) // int(period))
    except (OSError, ValueError):  # no cgroup v2, or "max": no quota
        return cores or 1
    return min(cores or 1, limit)


def default_threads() -> int:
    """Intra-op threads when none are asked for: the cores, at most 4.

    Small encoders gain little past 4 threads, and several workers or requests share the machine.
    """
    return min(4, available_cores())


def build_session(model: Path | bytes, threads: int | None = None) -> ort.InferenceSession:
    """A CPU session over a model file or its bytes; ``threads`` None or 0: :func:`default_threads`.

    Raises:
        Exception: whatever onnxruntime raises for a broken model; callers put words to it.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or default_threads()
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Spinning threads take the core from whoever works: on shared cores 2 to 4 spinning threads
    # were slower than one.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The arena stays (without it large batches lose a third to page faults); its size is bounded by
    # the largest batch, which Encoder limits. Patterns would be kept for every batch size seen.
    options.enable_cpu_mem_arena = True
    options.enable_mem_pattern = False
    options.log_severity_level = _ERRORS_ONLY
    source = model if isinstance(model, bytes) else str(model)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
