"""Golden numbers of the distance kernels, from scipy and NumPy; writes packages/core/test/golden/distance.json.

    python tools/golden/distance.py [PATH_OF_THE_SDC_REPOSITORY]

With the path, the signed distances are also compared with the authors' own function.
"""
import json
import pathlib
import sys

import numpy as np
from scipy.ndimage import distance_transform_edt

from versions import record

rng = np.random.default_rng(20261123)
OUT = pathlib.Path(__file__).parents[2] / "packages/core/test/golden/distance.json"


def floats(array):
    """Returns the shortest decimals that round to these float32 values."""
    return [float(np.format_float_positional(x)) for x in np.asarray(array, np.float32).ravel()]


def transform_case(mask, spacing):
    distance = distance_transform_edt(mask, sampling=spacing)
    return {"size": mask.shape, "spacing": spacing, "mask": "".join(map(str, mask.ravel())), "distance": floats(distance)}


def normalized_signed_distances(labels, classes):
    maps = []
    for c in range(classes):
        mask = labels == c
        signed = (distance_transform_edt(~mask) - distance_transform_edt(mask)).astype(np.float32)
        maps.append(signed / (np.max(np.abs(signed)) + 1e-6))
    return np.stack(maps)


def blobs(shape, classes):
    field = rng.standard_normal((classes, *shape))
    for axis in range(1, field.ndim):
        field = field + np.roll(field, 1, axis) + np.roll(field, -1, axis)
    return field.argmax(0)


def signed_case(labels, classes):
    values = np.stack([normalized_signed_distances(sample, classes) for sample in labels])
    if len(sys.argv) > 1:
        sys.path.insert(0, sys.argv[1] + "/src")
        import torch
        from sdc.sdf import multiclass_sdf_targets

        assert np.array_equal(multiclass_sdf_targets(torch.from_numpy(labels), classes).numpy(), values)
    return {"dims": labels.shape, "classes": classes, "labels": labels.ravel().tolist(), "signed": floats(values)}


def fixture():
    """Makes the label fixture of the project's other golden numbers; class 2 is absent in sample 1."""
    labels = np.zeros((2, 6, 7), np.int64)
    labels[0, 1:4, 1:4] = 1
    labels[0, 3:6, 4:7] = 2
    labels[1, 0:3, 2:6] = 1
    return labels


def masks():
    yield (rng.random((23, 31)) > 0.1).astype(np.uint8)
    yield (rng.random((5, 9, 11)) > 0.05).astype(np.uint8)
    yield (rng.random(40) > 0.2).astype(np.uint8)
    yield np.ones((3, 4), np.uint8)
    yield np.ones((2, 3, 4), np.uint8)


spacings = {1: [2.5], 2: [2.25, 0.85], 3: [3.0, 0.7, 1.1]}
transforms = [transform_case(m, s) for m in masks() for s in ([1.0] * m.ndim, spacings[m.ndim])]
full = np.full((1, 4, 5), 1, np.int64)
signed = [
    signed_case(fixture(), 3),
    signed_case(np.stack([blobs((13, 15), 4), blobs((13, 15), 4)]).astype(np.int64), 4),
    signed_case(blobs((5, 8, 9), 3)[None].astype(np.int64), 3),
    signed_case(full, 2),
]
OUT.write_text(json.dumps({"transforms": transforms, "signed": signed}) + "\n")
record(OUT, "numpy", "scipy")
