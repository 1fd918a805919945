"""onnx_models.heads.scores: the counts and calibrations behind heads.json and pair.json."""

from __future__ import annotations

import numpy as np
import pytest

from onnx_models.heads import scores
from onnx_models.metrics import roc_auc


@pytest.mark.parametrize(
    ("slope", "offset", "centre"), [(1.0, 0.0, 0.0), (0.4, -3.0, 0.0), (5.0, -60.0, 11.0)]
)
def test_platt_finds_the_line(slope: float, offset: float, centre: float) -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(centre, 2, 40000)
    right = rng.random(len(logit)) < scores.sigmoid(slope * logit + offset)
    found = scores.platt(logit, right)
    assert found == (pytest.approx(slope, rel=0.1), pytest.approx(offset, rel=0.1, abs=0.1))
    probability = scores.sigmoid(found[0] * logit + found[1])
    assert scores.calibration_error(probability, right.astype(float)) < 0.01


def test_platt_on_rare_hits_stays_calibrated() -> None:
    rng = np.random.default_rng(1)
    logit = rng.normal(12, 0.3, 7000)
    right = rng.random(7000) < 0.03
    slope, offset = scores.platt(logit, right)
    assert scores.sigmoid(slope * logit + offset).mean() == pytest.approx(right.mean(), abs=0.003)


def test_auroc_counts_ties_half() -> None:
    truth = np.array([True, True, False, False])
    assert roc_auc(np.array([3, 2, 1, 0]), truth) == 1
    assert roc_auc(np.zeros(4), truth) == 0.5
    assert roc_auc(np.array([1, 0, 1, 0]), truth) == 0.5
    assert roc_auc(np.array([2, 0, 1, 0]), truth) == pytest.approx(0.625)


def test_macro_f1_weighs_classes_alike() -> None:
    truth = np.array([0, 0, 0, 1])
    assert scores.macro_f1(np.array([0, 0, 0, 1]), truth) == 1
    assert scores.macro_f1(np.array([0, 0, 0, 0]), truth) == pytest.approx((6 / 7) / 2)


def test_temperature_cools_overconfident_logits() -> None:
    rng = np.random.default_rng(2)
    honest = rng.normal(size=20000)
    truth = (rng.random(len(honest)) < scores.sigmoid(honest)).astype(int)
    assert scores.temperature(honest * 3, truth) == pytest.approx(3, rel=0.1)


def test_precise_says_nothing_where_precision_is_never_reached() -> None:
    score = np.linspace(1, 0, 100)
    assert scores.precise(score, np.arange(100) < 40, 0.95) == pytest.approx(score[41], abs=0.02)
    assert scores.precise(score, np.zeros(100, bool), 0.95) == 1.0
