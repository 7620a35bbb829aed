"""The peer of benchmarks/evaluate.mjs: the authors' evaluation of a folder of predictions, written from the formulas of their
paper and repository with the same NumPy and SciPy calls. Run: evaluate.py FOLDER; prints {column: mean} as JSON.
"""

import json
import pathlib
import sys

import numpy as np
import scipy
from scipy import ndimage

BINS = 10


def hd95(a, b):
    if not a.any() and not b.any():
        return 0.0
    if not a.any() or not b.any():
        return float("inf")
    structure = np.ones((3,) * a.ndim, bool)
    surface_a = a ^ ndimage.binary_erosion(a, structure)
    surface_b = b ^ ndimage.binary_erosion(b, structure)
    to_b = ndimage.distance_transform_edt(~surface_b)[surface_a]
    to_a = ndimage.distance_transform_edt(~surface_a)[surface_b]
    return float(np.percentile(np.concatenate([to_b, to_a]).astype(np.float32), 95))


def binned(p, y, offset):
    """Returns (ECE, pECE) of scores p against y in bins that are open below."""
    edges = np.linspace(0, 1, BINS + 1)
    ece = pece = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (p > low) & (p <= high)
        if inside.any():
            q, t = p[inside], y[inside]
            gap = q.mean(dtype=np.float64) - t.mean()
            wrong = q[t == 0].mean(dtype=np.float64) if (t == 0).any() else 0.0
            share = inside.mean()
            ece += share * abs(gap)
            pece += share * abs(gap + offset * wrong)
    return ece, pece


def scores(probs, label):
    predicted, truth = probs.argmax(0) != 0, label != 0
    dice = (2 * (predicted & truth).sum() + 1e-6) / (predicted.sum() + truth.sum() + 1e-6)
    ece, pece = binned(1 - probs[0], truth, 2.0)
    classwise = []
    for c in range(probs.shape[0]):
        kept = probs[c] > 1e-3
        if kept.any():
            classwise.append(binned(probs[c][kept], (label == c)[kept], 2.0)[0])
    return {"DSC": dice, "HD95": hd95(predicted, truth), "ECE": ece, "CECE": np.mean(classwise), "pECE": pece}


if __name__ == "__main__":
    rows = []
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.npz")):
        with np.load(path) as case:
            rows.append(scores(case["probs"], case["label"]))
    means = {column: float(np.mean([row[column] for row in rows])) for column in rows[0]}
    print(json.dumps({**means, "version": f"NumPy {np.__version__}, SciPy {scipy.__version__}"}))
