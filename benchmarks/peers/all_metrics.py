"""The second peer of benchmarks/all-metrics.mjs: the families of columns that `evaluate --metrics` has, of two classes, written
with NumPy and SciPy as one would write an evaluation by hand, beside the authors' five columns. Definitions are those of
docs/metrics.md where that costs nothing; what is compared is the work, not the last digits. Run: all_metrics.py FOLDER.
"""

import json
import pathlib
import sys

import numpy as np
import scipy
from scipy import ndimage, optimize

from evaluate import scores as five_columns

FULL = np.ones((3, 3), bool)
RINGS = [-np.inf, -10, -5, -3, -2, -1, 0, 1, 2, 3, 5, 10, np.inf]


def binned(p, hit, bins, right=True):
    """Returns the expected, average and largest gap of equal bins."""
    at = np.ceil(p * bins).astype(np.int64) - 1 if right else np.floor(p * bins).astype(np.int64)
    at = np.clip(at, 0, bins - 1)
    count = np.bincount(at, minlength=bins)
    gap = np.abs(np.bincount(at, p, bins) - np.bincount(at, hit, bins))
    mean = gap[count > 0] / count[count > 0]
    return gap.sum() / len(p), mean.mean(), mean.max()


def surface(mask):
    return mask & ~ndimage.binary_erosion(mask)


def surfaces(a, b):
    edge_a, edge_b = surface(a), surface(b)
    if not edge_a.any() or not edge_b.any():
        return np.inf, np.inf, np.inf, 0.0
    to_b = ndimage.distance_transform_edt(~edge_b)[edge_a]
    to_a = ndimage.distance_transform_edt(~edge_a)[edge_b]
    both = np.concatenate([to_a, to_b])
    hd95 = max(np.percentile(to_a, 95), np.percentile(to_b, 95))
    return hd95, both.mean(), (to_a.mean() + to_b.mean()) / 2, (both <= 1).mean()


def lesions(predicted, truth, p):
    a, count_a = ndimage.label(predicted, FULL)
    b, count_b = ndimage.label(truth, FULL)
    shared = np.bincount((b * (count_a + 1) + a).ravel(), minlength=(count_a + 1) * (count_b + 1))
    shared = shared.reshape(count_b + 1, count_a + 1)
    confidence = ndimage.mean(p, a, range(1, count_a + 1)) if count_a else []
    dice, hd95 = [], []
    for i, box in enumerate(ndimage.find_objects(b), 1):
        touching = np.flatnonzero(shared[i, 1:]) + 1
        mine = np.isin(a, touching)
        both = shared[i, touching].sum()
        dice.append(2 * both / ((b == i).sum() + mine.sum()))
        if len(touching):
            hd95.append(surfaces(mine, b == i)[0])
    inside = predicted.ravel()
    ece = binned(p.ravel()[inside], truth.ravel()[inside], 10)[0] if inside.any() else np.nan
    false = (shared[1:, 1:].sum(0) == 0).sum()
    return np.mean(dice), np.mean(hd95), false, np.mean(confidence), ece


def centerline(mask):
    depth = ndimage.distance_transform_cdt(mask, "taxicab")
    return (depth > 0) & (depth == ndimage.maximum_filter(depth, 3))


def rings(p, hit, own, predicted):
    inside = ndimage.distance_transform_edt(predicted)
    outside = ndimage.distance_transform_edt(~predicted)
    ring = np.digitize(np.where(predicted, -inside, outside).ravel(), RINGS)
    cell = ring * 10 + np.clip(np.ceil(p * 10).astype(np.int64) - 1, 0, 9)
    size = 10 * (len(RINGS) + 1)
    sums = [np.bincount(cell, weights, size) for weights in (None, p, hit)]
    return sums + [np.bincount(ring, -np.log(np.maximum(own, 1e-12)))]


def smooth(p, hit):
    at = np.minimum((p * 2048).astype(np.int64), 2047)
    residual = (np.bincount(at, hit, 2048) - np.bincount(at, p, 2048)) / len(p)
    low, high = 0.0, 1.0
    for _ in range(10):
        width = (low + high) / 2
        error = np.abs(ndimage.gaussian_filter1d(residual, width * 2048, mode="reflect", truncate=6)).sum()
        low, high = (width, high) if error > width else (low, width)
    return high


def temperature(probs, label):
    logs = np.log(np.maximum(probs.reshape(2, -1), 1e-12)).astype(np.float64)
    odds = np.where(label.ravel() == 1, logs[0] - logs[1], logs[1] - logs[0])
    loss = lambda beta: np.logaddexp(0, beta * odds).mean()  # noqa: E731
    return 1 / optimize.minimize_scalar(loss, bounds=(1 / 16, 16), method="bounded").x


def all_scores(probs, label):
    predicted, truth = probs.argmax(0) == 1, label == 1
    top, hit = probs.max(0).ravel(), (predicted == truth).ravel()
    own = np.where(truth, probs[1], probs[0]).ravel()
    of_class = [(probs[c].ravel(), (label == c).ravel()) for c in range(2)]
    foreground = label.ravel() != 0
    order = np.argsort(-top, kind="stable")
    risk = np.cumsum(~hit[order]) / np.arange(1, len(top) + 1)
    hd95, assd, masd, nsd = surfaces(predicted, truth)
    lines = [centerline(mask) for mask in (predicted, truth)]
    return {
        **five_columns(probs, label),
        "ECE top label": binned(top, hit, 10),
        "reliability": [binned(top, hit, 15)] + [binned(p, y, 15) for p, y in of_class],
        "Brier": 2 * np.mean((probs[1] - truth) ** 2),
        "NLL": -np.log(np.maximum(own, 1e-12)).mean(),
        "fpBrier": np.mean((probs[1] - truth) ** 2 + 2 * np.where(truth, (1 - np.maximum(probs[1], 0.5)) ** 2, np.maximum(probs[1], 0.5) ** 2 - 0.25)),
        "surfaces": (hd95, assd, masd, nsd),
        "boundary": rings(top, hit, own, predicted),
        "centerline": (truth[lines[0]].mean(), predicted[lines[1]].mean()),
        "lesions": lesions(predicted, truth, probs[1]),
        "AURC": risk.mean(),
        "smECE": smooth(top, hit),
        "temperature": temperature(probs, label),
        "torchmetrics": binned(top, hit, 15, right=False),
        "monai": [binned(p, y, 20) for p, y in of_class],
        "metrics-reloaded": [binned(p, y, 10) for p, y in of_class],
        "netcal": binned(*of_class[1], 10, right=False),
        "marginloss": [binned(top[foreground], hit[foreground], 15)] + [binned(p[foreground], y[foreground], 15) for p, y in of_class],
        "volumes": int(predicted.sum()) - int(truth.sum()),
    }


count = 0
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.npz")):
    with np.load(path) as case:
        all_scores(case["probs"], case["label"])
    count += 1
print(json.dumps({"cases": count, "version": f"NumPy {np.__version__}, SciPy {scipy.__version__}"}))
