"""Writes packages/io/test/golden/properties-{3,4,5}.pkl: what nnU-Net stores beside a prediction, by protocol."""

import pickle
from pathlib import Path

import numpy as np

from versions import record

out = Path(__file__).resolve().parents[2] / "packages/io/test/golden"
affine = np.array([[1.5, 0, 0, -4], [0, 2, 0, 5], [0, 0, 3, 6], [0, 0, 0, 1]])
box = [[0, 10], [np.int64(1), np.int32(14)], [0, 12]]
properties = {
    "sitk_stuff": {
        "spacing": (0.9, np.float64(0.8), 2.5),
        "origin": (-40.0, -30.0, -55.0),
        "direction": (1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0),
    },
    "nibabel_stuff": {"original_affine": affine},
    "spacing": [2.5, 0.8, 0.9],
    "shape_before_cropping": (10, 14, 12),
    "bbox_used_for_cropping": box,
    "more": [None, True, False, -5, 2**40, np.float32(0.5), np.array([1, -2], ">i4"), np.bool_(True), "é" * 200, b"ab"],
    "again": box,
}
for protocol in (3, 4, 5):
    path = out / f"properties-{protocol}.pkl"
    path.write_bytes(pickle.dumps(properties, protocol))
    record(path, "numpy")
