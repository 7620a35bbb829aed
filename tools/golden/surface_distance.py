"""Golden numbers of the surface distances, by their authors' own code; writes packages/core/test/golden/surface-distance.json.

    python tools/golden/surface_distance.py PATH_OF_THE_SDC_REPOSITORY PATH_OF_GOOGLE_DEEPMIND_SURFACE_DISTANCE

The repositories: EagleAdelaide/SDC-Loss (MIT) and google-deepmind/surface-distance (Apache-2.0).
"""
import json
import pathlib
import sys

import numpy as np
import scipy.ndimage

from versions import record

sys.path[:0] = [sys.argv[1] + "/src", sys.argv[2]]
# surface-distance still uses names that scipy has dropped.
scipy.ndimage.filters = scipy.ndimage.morphology = scipy.ndimage
sys.modules["scipy.ndimage.filters"] = sys.modules["scipy.ndimage.morphology"] = scipy.ndimage
from sdc.metrics import hd95  # noqa: E402
import surface_distance  # noqa: E402

rng = np.random.default_rng(5)
OUT = pathlib.Path(__file__).parents[2] / "packages/core/test/golden/surface-distance.json"
TOLERANCE = 1.25


def blob(shape, threshold):
    field = rng.standard_normal(shape)
    for axis in range(field.ndim):
        field = field + np.roll(field, 1, axis) + np.roll(field, -1, axis)
    return field / field.std() > threshold


def case(a, b, spacing):
    unit = [1.0] * a.ndim
    distances = surface_distance.compute_surface_distances(a, b, spacing)
    means = surface_distance.compute_average_surface_distance(distances)
    return {
        "size": a.shape,
        "spacing": spacing,
        "a": "".join(str(int(x)) for x in a.ravel()),
        "b": "".join(str(int(x)) for x in b.ravel()),
        "reference": hd95(a, b) if spacing == unit else None,
        "deepmind": {
            "hd": surface_distance.compute_robust_hausdorff(distances, 100),
            "hd95": surface_distance.compute_robust_hausdorff(distances, 95),
            "nsd": surface_distance.compute_surface_dice_at_tolerance(distances, TOLERANCE),
            "aToB": means[0],
            "bToA": means[1],
        },
    }


cases = []
for shape, spacings in [((17, 22), ([1.0, 1.0], [2.25, 0.85])), ((9, 12, 11), ([1.0, 1.0, 1.0], [3.0, 0.7, 1.1]))]:
    for threshold in (0.0, 0.8):
        a, b = blob(shape, threshold), blob(shape, threshold)
        cases += [case(a, b, spacing) for spacing in spacings]
# Independent pixels reach every neighbourhood code.
noise = [rng.random((7, 8, 9)) > 0.5 for _ in range(2)]
cases.append(case(*noise, [2.0, 0.5, 1.5]))
OUT.write_text(json.dumps({"tolerance": TOLERANCE, "cases": cases}) + "\n")
record(OUT, "numpy", "scipy", SDC_Loss=sys.argv[1], surface_distance=sys.argv[2])
