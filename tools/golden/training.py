"""Golden training curves: PyTorch trains the same small U-Nets from the same weights on the same batches.

Everything that both sides need is a formula over integers (no weights or data file): `hashed` and its twin in
packages/train/src/trainer/parity.test.ts give the same bits. Run: python tools/golden/training.py (torch, numpy, scipy, cv2).
Writes packages/train/test/golden/training.json.
"""

import json
import pathlib

import cv2
import numpy as np
import torch
from scipy import ndimage
from torch import nn
from torch.nn import functional as F

from hashed import hashed
from versions import record

STEPS = 10
OUT = pathlib.Path(__file__).parents[2] / "packages/train/test/golden/training.json"


def fill(model: nn.Module) -> None:
    """Makes weights and biases of convolutions, in order: uniform in +-1/sqrt(fan in), one stream each; norms 1 and 0."""
    with torch.no_grad():
        layers = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d))]
        arrays = [(layer, value) for layer in layers for value in (layer.weight, layer.bias) if value is not None]
        for stream, (layer, value) in enumerate(arrays):
            bound = 1.0 / np.sqrt(np.prod(layer.weight.shape[1:], dtype=np.float64))
            values = (hashed(value.numel(), stream) * bound).astype(np.float32)
            value.copy_(torch.from_numpy(values.reshape(tuple(value.shape))))


def batch(step: int, shape: tuple, classes: int):
    """Makes discs (balls) of radius 5 to 9, one per foreground class, and an image that shows them under noise.

    Class 2 is missing in every odd sample, so that absent classes are part of the comparison."""
    count, channels, *size = shape
    grid = np.indices(size)
    labels = np.zeros((count, *size), np.int64)
    for n in range(count):
        for c in range(1, classes):
            if c == 2 and n % 2 == 1:
                continue
            radius = 5 + (step + n + c) % 5
            squared = sum((g - (7 + (5 * step + 11 * n + 13 * c + 3 * axis) % max(1, s - 12))) ** 2 for axis, (g, s) in enumerate(zip(grid, size)))
            labels[n][squared < radius * radius] = c
    noise = hashed(count * channels * int(np.prod(size)), 1000 + step).reshape(shape)
    images = (0.5 * labels[:, None].astype(np.float64) + 0.75 * noise).astype(np.float32)
    return images, labels


class Block(nn.Sequential):
    def __init__(self, dimensions, before, after):
        conv, norm = (nn.Conv2d, nn.BatchNorm2d) if dimensions == 2 else (nn.Conv3d, nn.BatchNorm3d)
        layers = []
        for source in (before, after):
            layers += [conv(source, after, 3, padding=1, bias=False), norm(after), nn.ReLU()]
        super().__init__(*layers)


class UNet(nn.Module):
    def __init__(self, dimensions, channels, classes, base):
        super().__init__()
        conv, up = (nn.Conv2d, nn.ConvTranspose2d) if dimensions == 2 else (nn.Conv3d, nn.ConvTranspose3d)
        self.pool = F.max_pool2d if dimensions == 2 else F.max_pool3d
        for level in (1, 2, 3):
            setattr(self, f"enc{level}", Block(dimensions, channels if level == 1 else base << (level - 2), base << (level - 1)))
        self.bottleneck = Block(dimensions, base * 4, base * 8)
        for level in (3, 2, 1):
            setattr(self, f"up{level}", up(base << level, base << (level - 1), 2, stride=2))
            setattr(self, f"dec{level}", Block(dimensions, base << level, base << (level - 1)))
        self.head = conv(base, classes, 1)

    def forward(self, x):
        skips = []
        for level in (1, 2, 3):
            x = getattr(self, f"enc{level}")(x)
            skips.append(x)
            x = self.pool(x, 2)
        x = self.bottleneck(x)
        for level in (3, 2, 1):
            x = getattr(self, f"up{level}")(x)
            skip = skips[level - 1]
            x = getattr(self, f"dec{level}")(torch.cat([x, skip], 1))
        return self.head(x)


def adaptive_target(labels, classes):
    square = np.ones((3, 3), np.uint8)
    maps = np.zeros((labels.shape[0], classes, *labels.shape[1:]), np.float32)
    for n, y in enumerate(labels):
        for c in range(classes):
            edge = cv2.morphologyEx((y == c).astype(np.uint8), cv2.MORPH_GRADIENT, square)
            maps[n, c] = cv2.blur(edge.astype(np.float32), (3, 3))
    return maps / np.maximum(maps.sum(1, keepdims=True), np.float32(1e-6))


def distance_target(labels, classes):
    maps = np.zeros((labels.shape[0], classes, *labels.shape[1:]), np.float32)
    for n, y in enumerate(labels):
        for c in range(classes):
            mask = y == c
            field = (ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask)).astype(np.float32)
            maps[n, c] = field / (np.abs(field).max() + 1e-6)
    return maps


def loss_of(kind, logits, labels, classes):
    entropy = F.cross_entropy(logits, torch.from_numpy(labels))
    if kind == "crossEntropy":
        return entropy
    probs = logits.softmax(1)
    local = (torch.from_numpy(adaptive_target(labels, classes)) - probs).abs().mean()
    field = (2 * probs - 1 - torch.from_numpy(distance_target(labels, classes))).abs().mean()
    return entropy + 0.1 * local + 0.1 * field / 100


CASES = [
    # name, dimensions, classes, base, shape, loss, optimizer, learning rate
    ("unet2d-ce-sgd", 2, 3, 4, (2, 1, 40, 32), "crossEntropy", "sgd", 0.05),
    ("unet2d-sdc-sgd", 2, 3, 4, (2, 1, 40, 32), "signedDistanceCalibration", "sgd", 0.05),
    ("unet3d-ce-sgd", 3, 2, 2, (1, 1, 16, 24, 24), "crossEntropy", "sgd", 0.05),
    ("unet2d-ce-adamw", 2, 3, 4, (2, 1, 40, 32), "crossEntropy", "adamW", 0.001),
    ("unet2d-sdc-adamw", 2, 3, 4, (2, 1, 40, 32), "signedDistanceCalibration", "adamW", 0.001),
    ("unet3d-ce-adamw", 3, 2, 2, (1, 1, 16, 24, 24), "crossEntropy", "adamW", 0.001),
]


def run(case, dtype=torch.float32):
    name, dimensions, classes, base, shape, kind, optimizer, rate = case
    model = UNet(dimensions, shape[1], classes, base)
    fill(model)
    model.to(dtype)
    if optimizer == "sgd":
        update = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=0.01)
    else:
        update = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    losses = []
    for step in range(STEPS):
        images, labels = batch(step, shape, classes)
        update.zero_grad()
        loss = loss_of(kind, model(torch.from_numpy(images).to(dtype)), labels, classes)
        loss.backward()
        update.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        images, labels = batch(0, shape, classes)
        final = loss_of(kind, model(torch.from_numpy(images).to(dtype)), labels, classes).item()
    norms = {n: v.double().norm().item() for n, v in model.state_dict().items() if v.dim() > 0}
    return {
        "name": name, "dimensions": dimensions, "classes": classes, "base": base, "shape": list(shape), "loss": kind,
        "optimizer": optimizer, "learningRate": rate, "losses": losses, "evaluationLoss": final, "norms": norms,
    }


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(2)
    results = [run(case) for case in CASES]
    for case, result in zip(CASES, results):
        exact = run(case, torch.float64)["losses"]
        gap = max(abs(a - b) / abs(b) for a, b in zip(result["losses"], exact))
        print(f"{result['name']}: {result['losses'][0]:.6f} -> {result['losses'][-1]:.6f}, float32 against float64 {gap:.1e}")
    probe = {"hashed": hashed(4, 7).tolist(), "image": batch(3, (2, 1, 8, 8), 3)[0].reshape(-1)[:4].tolist()}
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"steps": STEPS, "probe": probe, "cases": results}, indent=1) + "\n")
    record(OUT, "torch", "numpy", "scipy", "opencv-python-headless")
