"""Golden numbers of lesion-wise scores; writes packages/core/test/golden/lesions.json.

    python tools/golden/lesions.py

Step by step as the code of each definition describes itself, voxel by voxel on whole volumes: BraTS 2023
(rachitsaluja/BraTS-2023-Metrics), panoptica's ThresholdMatching with the intersection over union (BrainLesion/panoptica)
and autoPET's volumes (lab-midas/autoPET). Components are scipy's, surfaces those of google-deepmind/surface-distance, installed from its checkout.
"""
import json
import pathlib
import sys

import numpy as np
import scipy.ndimage
from scipy.ndimage import binary_dilation, generate_binary_structure, label

from versions import record

sys.path.pop(0)  # where a script has the name of the package
scipy.ndimage.filters = scipy.ndimage.morphology = scipy.ndimage
sys.modules["scipy.ndimage.filters"] = sys.modules["scipy.ndimage.morphology"] = scipy.ndimage
import surface_distance  # noqa: E402

rng = np.random.default_rng(15)
OUT = pathlib.Path(__file__).parents[2] / "packages/core/test/golden/lesions.json"


def components(mask, axes):
    return label(mask, generate_binary_structure(mask.ndim, min(axes, mask.ndim)))[0]


def numbers(labels):
    return [int(i) for i in np.unique(labels) if i]


def brats(predicted, truth, spacing, grow, least):
    structure = generate_binary_structure(3, 2)
    of_predicted = components(predicted, 3)
    of_truth = components(binary_dilation(truth, structure, grow), 3) * truth
    volume = float(np.prod(spacing))
    used, dices, distances, detected = set(), [], [], 0
    for lesion in numbers(of_truth):
        own = of_truth == lesion
        touching = numbers(of_predicted * binary_dilation(own, structure, grow))
        used.update(touching)
        if own.sum() * volume <= least:
            continue
        found = np.isin(of_predicted, touching) & (of_predicted > 0)
        dices.append(2.0 * (found & own).sum() / (found.sum() + own.sum()))
        between = surface_distance.compute_surface_distances(own, found, spacing)
        distance = surface_distance.compute_robust_hausdorff(between, 95)
        distances.append(374.0 if np.isinf(distance) else float(distance))
        detected += bool(touching)
    false = len([i for i in numbers(of_predicted) if i not in used])
    count = len(dices) + false
    return {
        "detected": detected,
        "missed": len(dices) - detected,
        "falsePositives": false,
        "dice": float(np.sum(dices) / count) if count else 1.0,
        "hd95": float((np.sum(distances) + 374 * false) / count) if count else 0.0,
    }


def panoptica(predicted, truth):
    axes = 3 if truth.ndim == 3 else 1
    a, b = components(predicted, axes), components(truth, axes)
    pairs = []
    for j in numbers(b):
        for i in numbers(a):
            both, either = ((a == i) & (b == j)).sum(), ((a == i) | (b == j)).sum()
            if both and both / either >= 0.5:
                pairs.append((both / either, i, j))
    taken, overlaps = set(), []
    for overlap, i, j in sorted(pairs, reverse=True):
        if ("a", i) not in taken and ("b", j) not in taken:
            taken |= {("a", i), ("b", j)}
            overlaps.append(overlap)
    hits, false, missed = len(overlaps), a.max() - len(overlaps), b.max() - len(overlaps)
    quality = hits / (hits + 0.5 * false + 0.5 * missed) if hits else 0.0
    return {
        "detected": hits,
        "missed": int(missed),
        "falsePositives": int(false),
        "recognitionQuality": float(quality),
        "segmentationQuality": float(np.mean(overlaps)) if overlaps else None,
        "panopticQuality": float(quality * np.mean(overlaps)) if overlaps else 0.0,
    }


def autopet(predicted, truth, spacing):
    def without(mask, other):
        labels = components(mask, 2)
        return sum(int((labels == i).sum()) for i in numbers(labels) if not (other & (labels == i)).any())

    volume = float(np.prod(spacing))
    return {
        "falsePositiveVolume": without(predicted, truth) * volume,
        "falseNegativeVolume": without(truth, predicted) * volume,
    }


def smooth(shape):
    field = scipy.ndimage.gaussian_filter(rng.standard_normal(shape), 1.1)
    return field / field.std()


def packed(mask):
    return "".join(str(int(x)) for x in mask.ravel())


cases = []
for shape, spacing in [((12, 20, 18), [1.0, 1.0, 1.0]), ((10, 14, 16), [2.5, 0.8, 0.8]), ((26, 30), [1.0, 1.0])]:
    for threshold in (1.0, 1.7, 2.4):
        field = smooth(shape)
        truth, predicted = field > threshold, field + 0.4 * smooth(shape) > threshold
        case = {
            "size": shape,
            "spacing": spacing,
            "truth": packed(truth),
            "predicted": packed(predicted),
            "components": [int(components(truth, axes).max()) for axes in (1, 2, 3)],
            "panoptica": panoptica(predicted, truth),
            "autopet": autopet(predicted, truth, spacing),
        }
        if len(shape) == 3:
            case["brats"] = [
                {"grow": grow, "leastVolume": least, **brats(predicted, truth, spacing, grow, least)}
                for grow, least in [(3, 50), (1, 2)]
            ]
        cases.append(case)

OUT.write_text(json.dumps({"cases": cases}) + "\n")
record(OUT, "numpy", "scipy", "surface-distance")
