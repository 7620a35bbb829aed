"""Fixtures of the loss goldens: logits and image by formula, labels by a few lines of numpy."""

import numpy as np


def sheet():
    y = np.zeros((2, 6, 7), np.int64)
    y[0, 1:4, 1:4], y[0, 3:6, 4:7], y[1, 0:3, 2:6] = 1, 2, 1  # class 2 absent in sample 1
    return y


def volume():
    y = np.zeros((1, 5, 6, 7), np.int64)
    y[0, 1:4, 1:5, 1:5], y[0, 2:5, 3:6, 4:7], y[0, 0:2, 0:2, 5:7] = 1, 2, 3
    return y


def binary_volume():
    y = np.zeros((2, 3, 4, 5), np.int64)
    y[0, 0:2, 1:4, 1:3] = 1  # sample 1 is background throughout
    return y


def constant():
    y = np.zeros((2, 5, 5), np.int64)
    y[0] = 2
    return y


def pixels():
    y = np.zeros((2, 6, 6), np.int64)
    y[0, 0, 0], y[0, 3, 3], y[0, 5, 2] = 1, 2, 3
    y[1, 2, 2], y[1, 2, 4] = 1, 2
    return y


def binary():
    i, j = np.mgrid[0:8, 0:9]
    return ((i - 3.5) ** 2 + (j - 4) ** 2 < 8).astype(np.int64)[None]


def scattered(shape, classes):
    index = np.indices(shape).astype(np.int64)
    return sum((3 + 4 * k) * x * x + (2 + 3 * k) * x for k, x in enumerate(index)) % 11 % classes


def fixture(labels, classes, amplitude=3, spacing=None, whole=False):
    """Makes a fixture; `whole` rounds the logits to whole numbers, which makes ties among classes and hinges exactly at 0."""
    dims = [labels.shape[0], classes, *labels.shape[1:]]
    coefficients = [2, 3] + ([0.9, 0.5] if labels.ndim == 3 else [0.7, 0.9, 0.5])
    size = int(np.prod(dims))
    return {
        "dims": dims,
        "logits": {"amplitude": amplitude, "phase": 1, "coefficients": coefficients, "whole": whole},
        "labels": labels,
        "image": [0, 0.3, 0.8] if labels.ndim == 3 else [0, 0.5, 0.3, 0.8],
        "spacing": spacing or [1] * (labels.ndim - 1),
        "entries": sorted({size // 3, size // 2, (7 * size) // 9, size - 2}),
    }


def stacked(base):
    """Returns the sheet's fixture with its two samples as the two slices of one volume."""
    base = {**base, "dims": [1, 3, 2, 6, 7], "labels": base["labels"][None], "image": [0, 0, 0.3, 0.8]}
    return {**base, "spacing": [1, 1, 1], "logits": {**base["logits"], "coefficients": [0, 3, 2, 0.9, 0.5]},
            "entries": [int(np.ravel_multi_index((0, 1, 0, 2, 2), base["dims"])), 90, 130]}


SHEET = fixture(sheet(), 3)
SHEET["entries"] = [int(np.ravel_multi_index((0, 1, 2, 2), SHEET["dims"])), 3, 77, 120]
FIXTURES = {
    "sheet": SHEET,
    "sheet-volume": stacked(SHEET),
    "volume": fixture(volume(), 4, spacing=[2.5, 1, 0.75]),
    "binary-volume": fixture(binary_volume(), 2),
    "constant": fixture(constant(), 3),
    "pixels": fixture(pixels(), 4, spacing=[2, 0.5]),
    "binary": fixture(binary(), 2),
    "row": fixture(scattered((2, 1, 8), 3), 3),
    "column": fixture(scattered((1, 7, 1), 3), 3),
    "scattered": fixture(scattered((2, 7, 8), 5), 5),
    "large": fixture(sheet(), 3, amplitude=50),
    "ties": fixture(sheet()[:, :, 1:], 4, amplitude=2, whole=True),
    "even": fixture(binary(), 2, amplitude=0),
}


def angle(coefficients, shape):
    index = np.indices(shape).astype(np.float64)
    return sum(c * x for c, x in zip(coefficients, index))


def logits_of(f):
    spec = f["logits"]
    z = spec["amplitude"] * np.sin(spec["phase"] + angle(spec["coefficients"], f["dims"]))
    z = np.floor(z + 0.5) if spec["whole"] else z
    return z.astype(np.float32)


def image_of(f):
    return np.cos(angle(f["image"], f["labels"].shape))[:, None].astype(np.float32)


def run_lengths(f):
    """Returns labels as [value, count, value, count, ...]."""
    flat = f["labels"].ravel()
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    counts = np.diff(np.r_[starts, flat.size])
    return [int(x) for pair in zip(flat[starts], counts) for x in pair]
