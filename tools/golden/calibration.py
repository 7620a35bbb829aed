"""Golden calibration errors and scores, as packages/core/test/golden/calibration.json.

    python tools/golden/calibration.py PATH        (numpy, torch, torchmetrics)

PATH is a checkout of the authors' repository (EagleAdelaide/SDC-Loss): its metrics make the values "reference".
"""

import json
import pathlib
import sys

import numpy as np
import torch
from torchmetrics.classification import BinaryCalibrationError, MulticlassCalibrationError

from versions import record

sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / "src"))
from sdc.metrics import CalibConfig, cece, dice_score, ece_multiclass, pECE  # noqa: E402

OUT = pathlib.Path(__file__).resolve().parents[2] / "packages/core/test/golden/calibration.json"
random = np.random.default_rng(5)


def probabilities(classes, shape, sharpness):
    logits = random.standard_normal((classes, *shape)) * sharpness
    exps = np.exp(logits - logits.max(0))
    return (exps / exps.sum(0)).astype(np.float32)


def reference(probs, labels):
    values = {}
    for bins in (10, 15):
        for background in (True, False):
            config = CalibConfig(bins=bins, ignore_background=not background)
            values[f"cece{bins}{'' if background else '-foreground'}"] = cece(probs, labels, config)
        values[f"ece{bins}"] = ece_multiclass(probs, labels, CalibConfig(bins=bins))
        for weight in (0.0, 1.0, 2.0):
            values[f"pece{bins}-{weight:.0f}"] = pECE(probs, labels, CalibConfig(bins=bins, fp_weight=weight))
    values["dsc"] = dice_score(probs.argmax(0) != 0, labels != 0)
    return values


def with_torchmetrics(probs, labels):
    values = {}
    target = torch.from_numpy(labels).reshape(-1)
    scores = torch.from_numpy(probs).reshape(len(probs), -1)
    for norm in ("l1", "l2", "max"):
        for bins in (10, 15):
            multiclass = MulticlassCalibrationError(len(probs), n_bins=bins, norm=norm)
            values[f"top-label-{norm}-{bins}"] = multiclass(scores.T, target).item()
            binary = BinaryCalibrationError(n_bins=bins, norm=norm)
            values[f"class1-{norm}-{bins}"] = binary(scores[1], (target == 1).long()).item()
    return values


cases = []
for classes, shape, sharpness in ((2, (9, 10), 1.0), (4, (7, 8), 3.0), (3, (3, 5, 6), 30.0)):
    probs = probabilities(classes, shape, sharpness)
    labels = random.integers(0, classes, shape)
    case = {"dims": shape, "classes": classes}
    # Values on the limits of the bins, exact zeros and ones: only the reference's convention holds there.
    flat = probs.reshape(classes, -1)
    for i in range(11):
        flat[0, i] = np.float32(1) - np.float32(i / 10)
        flat[1, i] = np.float32(i / 10)
    # torchmetrics takes neither those (they sum to more than 1) nor p = 1, which gets a bin of its own there.
    kept = (np.arange(labels.size) >= 11) & (flat.max(0) < 1)
    case["torchmetrics"] = with_torchmetrics(flat[:, kept], labels.reshape(-1)[kept])
    case["torchmetricsMask"] = "".join(str(int(pixel)) for pixel in kept)
    case["reference"] = reference(probs, labels)
    case["labels"] = labels.ravel().tolist()
    case["probs"] = [float(p) for p in probs.ravel()]
    cases.append(case)

OUT.write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
record(OUT, "numpy", "torch", "torchmetrics", SDC_Loss=sys.argv[1])
print(len(cases), "cases,", OUT.stat().st_size, "bytes")
