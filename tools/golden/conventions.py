"""Golden numbers of calibration errors by the tools themselves; writes packages/core/test/golden/conventions.json.

    python tools/golden/conventions.py MONAI MARGINLOSS METRICSRELOADED NETCAL

The arguments are checkouts of Project-MONAI/MONAI (with monai/metrics/calibration.py, later than 1.5), Bala93/MarginLoss,
Project-MONAI/MetricsReloaded and EFS-OpenSource/calibration-framework. torchmetrics, scikit-learn and scikit-image
are packages; what the tools import for other purposes is stood in for.
"""
import importlib.abc
import importlib.machinery
import importlib.util
import json
import pathlib
import sys
from unittest.mock import MagicMock

import numpy as np
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from versions import record

rng = np.random.default_rng(8)
OUT = pathlib.Path(__file__).parents[2] / "packages/core/test/golden/conventions.json"
FOLDERS = [pathlib.Path(argument) for argument in sys.argv[1:]]


class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds packages that no calibration error needs, last of all finders."""

    NAMES = {"gpytorch", "matplotlib", "pandas", "pyro", "seaborn", "tensorboard", "tikzplotlib"}

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in self.NAMES:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = MagicMock(name=spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


sys.meta_path.append(StandIn())


def module_of(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


monai_calibration = module_of(FOLDERS[0] / "monai/metrics/calibration.py")
marginloss_metrics = module_of(FOLDERS[1] / "calibrate/evaluation/metrics.py")
sys.path[:0] = [str(folder) for folder in FOLDERS[2:]]
from MetricsReloaded.metrics.calibration_measures import CalibrationMeasures  # noqa: E402
from netcal.metrics import ACE, ECE, MCE  # noqa: E402

# MarginLoss takes logits; with this its evaluator bins the probabilities that it is given.
marginloss_metrics.F.softmax = lambda probs, dim: probs


def marginloss(p, y):
    keep = y != 0
    probs, labels = torch.tensor(p.T[keep]), torch.tensor(y[keep])
    of = {"expected": marginloss_metrics.ECELoss(15), "classwise": marginloss_metrics.ClasswiseECELoss(15)}
    return {name: float(criterion(probs, labels)) for name, criterion in of.items()}


def monai(p, y):
    one_hot = torch.nn.functional.one_hot(torch.tensor(y), len(p)).T[None]
    found = {}
    for reduction in ("expected", "average", "maximum"):
        metric = monai_calibration.CalibrationErrorMetric(calibration_reduction=reduction)
        metric(y_pred=torch.tensor(p)[None], y=one_hot)
        found[reduction] = float(metric.aggregate())
    return found


def torchmetrics(p, y):
    arguments = torch.tensor(p.T), torch.tensor(y), len(p), 15
    norms = {"expected": "l1", "rootMeanSquare": "l2", "maximum": "max"}
    return {name: float(multiclass_calibration_error(*arguments, norm=norm)) for name, norm in norms.items()}


def metrics_reloaded(p, y):
    score = p.T.astype(np.float64)
    classwise = CalibrationMeasures(score, y).class_wise_expectation_calibration_error()
    # The others are of binary tasks, and take the mean of the labels themselves.
    binary = CalibrationMeasures(np.stack([1 - score[:, 1], score[:, 1]], 1), (y == 1).astype(int))
    return {
        "expected": float(binary.expectation_calibration_error()),
        "maximum": float(binary.maximum_calibration_error()),
        "classwise": float(classwise),
    }


def netcal(p, y):
    score = p.astype(np.float64)
    score = score[1] if len(p) == 2 else score.T
    measures = {"expected": ECE, "average": ACE, "maximum": MCE}
    return {name: float(measure(10).measure(score, y)) for name, measure in measures.items()}


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
names = ("MONAI", "MarginLoss", "MetricsReloaded", "netcal")
packages = ("numpy", "scikit-image", "scikit-learn", "torch", "torchmetrics")
record(OUT, *packages, **dict(zip(names, map(str, FOLDERS))))
