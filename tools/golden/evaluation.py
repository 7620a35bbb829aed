"""Golden scores of the SDC repository's evaluation convention, written from its definitions in numpy and scipy.

The cases are formulas over integers, as in packages/evaluate/src/evaluate.test.ts. Run: python tools/golden/evaluation.py
Writes packages/evaluate/test/golden/evaluation.json.
"""

import json
import pathlib

import numpy as np
from scipy import ndimage

from hashed import hashed
from versions import record

OUT = pathlib.Path(__file__).parents[2] / "packages/evaluate/test/golden/evaluation.json"
BINS = 10


def make(name, stream, classes, size, labels_of):
    """Makes probabilities in steps of 1/256 that favour the label, and the labels; both exact in float32."""
    grid = np.indices(size)
    labels = labels_of(grid).astype(np.int64)
    weight = np.floor((hashed(classes * labels.size, stream).reshape(classes, *size) + 1) * 20)
    for c in range(classes):
        weight[c] += 12 * (labels == c)
    if name == "missed":
        weight[0] += 100
    total = weight.sum(0)
    share = np.floor(weight * 256 / np.maximum(total, 1))
    share[0] += 256 - share.sum(0)
    return (share / 256).astype(np.float32), labels


def surface(mask):
    return mask & ~ndimage.binary_erosion(mask, np.ones((3,) * mask.ndim, bool))


def hd95(a, b):
    if not a.any() and not b.any():
        return 0.0
    if not a.any() or not b.any():
        return float("inf")
    sa, sb = surface(a), surface(b)
    distances = np.concatenate([ndimage.distance_transform_edt(~sb)[sa], ndimage.distance_transform_edt(~sa)[sb]])
    return float(np.percentile(distances.astype(np.float32), 95))


def binned(p, y, weight):
    """Returns (ECE, pECE) of scores p against y in 10 bins, open below."""
    edges = np.linspace(0, 1, BINS + 1)
    ece = pece = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (p > low) & (p <= high)
        if inside.any():
            q, t = p[inside].astype(np.float64), y[inside]
            gap = q.mean() - t.mean()
            wrong = q[t == 0].mean() if (t == 0).any() else 0.0
            ece += inside.mean() * abs(gap)
            pece += inside.mean() * abs(gap + weight * wrong)
    return ece, pece


def scores(probs, labels, weight=2.0):
    predicted, truth = probs.argmax(0) != 0, labels != 0
    dice = (2 * (predicted & truth).sum() + 1e-6) / (predicted.sum() + truth.sum() + 1e-6)
    ece, pece = binned(1 - probs[0], truth, weight)
    classwise = []
    for c in range(probs.shape[0]):
        kept = probs[c] > np.float32(1e-3)
        if kept.any():
            classwise.append(binned(probs[c][kept], (labels == c)[kept], weight)[0])
    return {"DSC": float(dice), "HD95": hd95(predicted, truth), "ECE": ece, "CECE": float(np.mean(classwise)), "pECE": pece}


CASES = [
    ("square", 1, 2, (12, 15), lambda g: (g[0] > 3) & (g[0] < 9) & (g[1] > 4) & (g[1] < 11)),
    ("bands", 2, 4, (16, 16), lambda g: (g[0] // 5) % 4),
    ("empty", 3, 3, (9, 8), lambda g: 0 * g[0]),
    ("missed", 5, 2, (8, 8), lambda g: g[0] + g[1] < 5),
    ("volume", 4, 3, (6, 9, 7), lambda g: ((g[0] + g[1] + 2 * g[2]) // 7) % 3),
]

if __name__ == "__main__":
    out = []
    for name, stream, classes, size, labels_of in CASES:
        probs, labels = make(name, stream, classes, size, labels_of)
        row = scores(probs, labels)
        if not np.isfinite(row["HD95"]):
            row["HD95"] = "infinite"
        out.append({"name": name, "stream": stream, "classes": classes, "size": list(size), "scores": row})
    OUT.write_text(json.dumps(out, indent=1) + "\n")
    record(OUT, "numpy", "scipy")
    print(json.dumps(out, indent=1))
