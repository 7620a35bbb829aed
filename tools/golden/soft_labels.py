"""Golden soft labels, as packages/core/test/golden/soft-labels.json.

    python tools/golden/soft_labels.py PATH        (numpy, torch)

PATH is a checkout of the authors' repository (EagleAdelaide/SDC-Loss): its build_adaptive_target makes the cases
"reference". Targets are indices into their distinct values, in units of 1e-7. The others follow the definitions of NACL, MONAI's NACLLoss and SVLS with torch's unfold and convolutions.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

from versions import record

sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / "src"))
from sdc.sam import SAMConfig, build_adaptive_target  # noqa: E402

OUT = pathlib.Path(__file__).resolve().parents[2] / "packages/core/test/golden/soft-labels.json"
random = np.random.default_rng(11)
CLASSES = 4


def blobs(shape):
    """Makes regions a few pixels wide, class 3 in the first image only."""
    field = random.standard_normal((CLASSES, *shape))
    for axis in range(2, field.ndim):
        field = field + np.roll(field, 1, axis) + np.roll(field, -1, axis)
    field[3, 1:] -= 100
    return field.argmax(0)


def one_hot(labels):
    return F.one_hot(torch.from_numpy(labels), CLASSES).movedim(-1, 1).float()


def windows(tensor, size):
    """Unfolds (N, C, H, W) to (N, C, size * size, H, W), zero padding."""
    n, c, h, w = tensor.shape
    return F.unfold(tensor, size, padding=size // 2).reshape(n, c, size * size, h, w)


def nacl(labels, image, kernel, size, sigma):
    seen = windows(torch.from_numpy(labels)[:, None].float(), size)[:, 0]
    members = F.one_hot(seen.long(), CLASSES).movedim(-1, 1).float()  # (N, C, size * size, H, W)
    if kernel == "mean":
        return members.mean(2)
    if kernel in ("max", "min", "median"):
        pick = getattr(seen, kernel)(1).values
        return F.one_hot(pick.long(), CLASSES).movedim(-1, 1).float()
    if kernel == "mode":
        return F.one_hot(members.sum(2).argmax(1), CLASSES).movedim(-1, 1).float()
    values = torch.from_numpy(image)[:, None]
    e = (windows(values, size) - values[:, :, None]).abs()
    if kernel == "gradient":
        return (e * members).mean(2)
    if kernel == "bilateral":
        at = torch.arange(size) - size // 2
        gauss = torch.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * sigma**2)).reshape(1, 1, -1, 1, 1)
        return (e * gauss / gauss.sum() * members).mean(2)
    power = {"image-l1": 1, "image-l2": 2}[kernel]
    return (torch.softmax(-(e**power), 2) * members).sum(2)


def svls(labels, size, sigma):
    rank = labels.ndim - 1
    at = torch.arange(size) - size // 2
    squares = sum(axis**2 for axis in torch.meshgrid(*[at] * rank, indexing="ij"))
    kernel = torch.exp(-squares / (2 * sigma**2))
    kernel /= kernel.sum()
    centre = (size // 2,) * rank
    neighbours = 1 - kernel[centre]
    kernel /= neighbours
    kernel[centre] = 1
    padded = F.pad(one_hot(labels), [size // 2] * (2 * rank), mode="replicate")
    convolve = F.conv2d if rank == 2 else F.conv3d
    weight = (kernel / kernel.sum())[None, None].repeat(CLASSES, *[1] * (rank + 1))
    return convolve(padded, weight, groups=CLASSES)


def monai(labels, kernel, size, sigma):
    rank = labels.ndim - 1
    convolve = F.conv2d if rank == 2 else F.conv3d
    if kernel == "mean":
        weight = torch.full((CLASSES, 1, *[size] * rank), 1 / size**rank)
        return convolve(one_hot(labels), weight, padding=size // 2, groups=CLASSES)
    tail = int(4 * sigma + 0.5)
    cut = lambda x: math.erf(x / (sigma * math.sqrt(2)))
    taps = torch.tensor([0.5 * (cut(x + 0.5) - cut(x - 0.5)) for x in range(-tail, tail + 1)])
    result = one_hot(labels)
    for axis in range(rank):
        shape = [1] * rank
        shape[axis] = -1
        padding = [0] * rank
        padding[axis] = tail
        weight = taps.reshape(1, 1, *shape).repeat(CLASSES, *[1] * (rank + 1))
        result = convolve(result, weight, padding=padding, groups=CLASSES)
    return result


maps = {"flat": blobs((2, 7, 8)), "deep": blobs((2, 4, 5, 6))}
image = random.standard_normal((2, 7, 8)).astype(np.float32)
cases = []


def add(map_name, target, **options):
    values = (np.asarray(target, np.float64).ravel() * 1e7).round().astype(int)
    distinct, expected = np.unique(values, return_inverse=True)
    cases.append({"labels": map_name, "options": options, "distinct": distinct.tolist(), "expected": expected.tolist()})


for kernel in ("mean", "max", "min", "median", "mode", "gradient", "bilateral", "image-l1", "image-l2"):
    for size in (3, 5):
        add("flat", nacl(maps["flat"], image, kernel, size, 1.0), preset="original", kernel=kernel, size=size)
add("flat", nacl(maps["flat"], image, "bilateral", 5, 2.0), preset="original", kernel="bilateral", size=5, sigma=2)
for name, labels in maps.items():
    add(name, svls(labels, 3, 1.0), preset="svls")
    add(name, svls(labels, 5, 2.0), preset="svls", size=5, sigma=2)
    add(name, monai(labels, "mean", 3, 1.0), preset="monai")
    add(name, monai(labels, "mean", 5, 1.0), preset="monai", size=5)
    add(name, monai(labels, "gaussian", 3, 1.0), preset="monai", kernel="gaussian")
    names = {"internal_boundary": "internal-gradient", "external_boundary": "external-gradient"}
    for morph in ("erosion", "dilation", "opening", "closing", "internal_boundary", "external_boundary", "gradient"):
        kernels = ("mean", "max", "min", "mode", "gaussian", "bilateral")
        for kernel in kernels if morph == "gradient" or name == "flat" else ("mean",):
            guide = torch.from_numpy(random.standard_normal((2, 1, *labels.shape[1:])).astype(np.float32))
            config = SAMConfig(morph=morph, kernel=kernel)
            target = build_adaptive_target(torch.from_numpy(labels), guide, CLASSES, config)
            add(name, target, preset="reference", kernel=kernel, morphology=names.get(morph, morph))

document = {
    "classes": CLASSES,
    "labels": {name: {"dims": labels.shape, "data": labels.ravel().tolist()} for name, labels in maps.items()},
    "image": [float(value) for value in image.ravel()],
    "cases": cases,
}
OUT.write_text(json.dumps(document, separators=(",", ":")) + "\n")
record(OUT, "numpy", "torch", SDC_Loss=sys.argv[1])
print(len(cases), "cases,", OUT.stat().st_size, "bytes")
