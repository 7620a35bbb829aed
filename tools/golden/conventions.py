"""Golden numbers of calibration errors as tools compute them; writes packages/core/test/golden/conventions.json.

    python tools/golden/conventions.py

torchmetrics by itself; the others, which are on no index, from their own statements of which pixels, scores and
edges count (formulas of MarginLoss's evaluator, MONAI's CalibrationErrorMetric, MetricsReloaded and netcal), bin by bin.
"""
import json
import pathlib

import numpy as np
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from versions import record

rng = np.random.default_rng(8)
OUT = pathlib.Path(__file__).parents[2] / "packages/core/test/golden/conventions.json"


def right_closed(score, low, high):
    return (score > low) & (score <= high)


def left_closed(score, low, high, last):
    return (score >= low) & ((score <= high) if last else (score < high))


def errors(members, score, hit, total):
    """Returns the share-weighted, mean and largest gap over bins, each a mask of pixels."""
    gaps, shares = [], []
    for member in members:
        if member.any():
            gaps.append(abs(score[member].mean() - hit[member].mean()))
            shares.append(member.sum() / total)
    return float(np.dot(gaps, shares)), float(np.mean(gaps)), float(np.max(gaps))


def marginloss(p, y, bins=15):
    edges = np.linspace(0, 1, bins + 1, dtype=np.float32)
    keep = y != 0
    p, y = p[:, keep], y[keep]

    def error(score, hit):
        members = [right_closed(score, low, high) for low, high in zip(edges[:-1], edges[1:])]
        return errors(members, score.astype(np.float64), hit, len(y))[0]

    top = error(p.max(0), p.argmax(0) == y)
    classes = [error(p[c], y == c) for c in range(y.max() + 1)]
    return {"expected": top, "classwise": float(np.mean(classes))}


def monai(p, y, bins=20):
    edges = np.linspace(0, 1, bins + 1, dtype=np.float32)
    found = []
    for c in range(len(p)):
        members = [right_closed(p[c], low, high) for low, high in zip(edges[:-1], edges[1:])]
        members[0] |= p[c] == 0
        found.append(errors(members, p[c].astype(np.float64), y == c, len(y)))
    return dict(zip(("expected", "average", "maximum"), (float(np.mean(each)) for each in zip(*found))))


def metrics_reloaded(p, y, bins=10):
    edges = np.arange(0, 1.00001, 1 / bins)

    def parts(c):
        score = p[c].astype(np.float64)
        return score, y == c, [right_closed(score, low, high) for low, high in zip(edges[:-1], edges[1:])]

    score, hit, members = parts(1)
    binary = errors(members, score, hit, sum(member.sum() for member in members))
    classes = [errors(parts(c)[2], parts(c)[0], parts(c)[1], len(y))[0] for c in range(len(p))]
    return {"expected": binary[0], "maximum": binary[2], "classwise": float(np.mean(classes))}


def netcal(p, y, bins=10):
    edges = np.linspace(0, 1, bins + 1)
    score, hit = (p[1], y == 1) if len(p) == 2 else (p.max(0), p.argmax(0) == y)
    score = score.astype(np.float64)
    members = [left_closed(score, edges[i], edges[i + 1], i == bins - 1) for i in range(bins)]
    return dict(zip(("expected", "average", "maximum"), errors(members, score, hit, len(y))))


def torchmetrics(p, y, bins=15):
    arguments = torch.tensor(p.T), torch.tensor(y), len(p), bins
    norms = {"expected": "l1", "rootMeanSquare": "l2", "maximum": "max"}
    return {name: float(multiclass_calibration_error(*arguments, norm=norm)) for name, norm in norms.items()}


cases = []
for classes, certain in [(2, 0.0), (2, 0.4), (4, 0.0), (4, 0.3)]:
    p = rng.dirichlet(np.full(classes, 0.7), 260).T.astype(np.float32)
    p[:, rng.random(260) < certain] = np.eye(classes, dtype=np.float32)[:, [1]]
    p[:, :40] = 0
    p[0, :40], p[1, :40] = np.float32(rng.integers(0, 11, 40)) / np.float32(10), 0
    p[1, :40] = 1 - p[0, :40]
    y = np.array([rng.choice(classes, p=of / of.sum()) for of in (0.7 * p + 0.3 / classes).T.astype(np.float64)])
    cases.append(
        {
            "classes": classes,
            "probs": [float(x) for x in p.ravel()],
            "labels": [int(x) for x in y],
            "marginloss": marginloss(p, y),
            "monai": monai(p, y),
            "torchmetrics": torchmetrics(p, y),
            "metrics-reloaded": metrics_reloaded(p, y),
            "netcal": netcal(p, y),
        }
    )

OUT.write_text(json.dumps({"cases": cases}) + "\n")
record(OUT, "numpy", "torch", "torchmetrics")
