"""Golden results of binary morphology from OpenCV, SciPy and scikit-image, as packages/core/test/golden/morphology.json.

    python tools/golden/morphology.py        (numpy, opencv, scipy, scikit-image)
"""

import json
import pathlib

import cv2
import numpy as np
from scipy import ndimage
from skimage import morphology

from versions import record

OUT = pathlib.Path(__file__).resolve().parents[2] / "packages/core/test/golden/morphology.json"


def element(rank, structure, radius):
    if structure == "box":
        return np.ones((2 * radius + 1,) * rank, np.uint8)
    cross = np.zeros((2 * radius + 1,) * rank, np.uint8)
    for axis in range(rank):
        index = [radius] * rank
        index[axis] = slice(None)
        cross[tuple(index)] = 1
    return cross


def opencv(mask, op, structure, radius, iterations, **_):
    codes = {
        "erosion": cv2.MORPH_ERODE,
        "dilation": cv2.MORPH_DILATE,
        "opening": cv2.MORPH_OPEN,
        "closing": cv2.MORPH_CLOSE,
        "gradient": cv2.MORPH_GRADIENT,
    }
    shape = cv2.MORPH_RECT if structure == "box" else cv2.MORPH_CROSS
    kernel = cv2.getStructuringElement(shape, (2 * radius + 1,) * 2)
    if op == "internal-gradient":
        return mask - cv2.erode(mask, kernel, iterations=iterations)
    if op == "external-gradient":
        return cv2.dilate(mask, kernel, iterations=iterations) - mask
    return cv2.morphologyEx(mask, codes[op], kernel, iterations=iterations)


def with_scipy(mask, op, structure, radius, iterations, border):
    kernel = element(mask.ndim, structure, radius)
    options = {"structure": kernel, "iterations": iterations}
    value = {"zero": 0, "one": 1}[border]
    if op == "erosion":
        return ndimage.binary_erosion(mask, border_value=value, **options)
    if op == "dilation":
        return ndimage.binary_dilation(mask, border_value=value, **options)
    assert value == 0  # binary_opening and binary_closing know no other
    return {"opening": ndimage.binary_opening, "closing": ndimage.binary_closing}[op](mask, **options)


def with_skimage(mask, op, structure, radius, iterations, **_):
    assert iterations == 1
    return getattr(morphology, op)(mask, element(mask.ndim, structure, radius))


random = np.random.default_rng(7)
cases = []


def add(source, compute, mask, op, structure="box", radius=1, iterations=1, border="neutral"):
    settings = {"op": op, "structure": structure, "radius": radius, "iterations": iterations, "border": border}
    result = np.asarray(compute(mask.copy(), **settings)).astype(np.uint8)
    text = lambda pixels: "".join(str(int(pixel)) for pixel in pixels.ravel())
    cases.append({"source": source, **settings, "dims": mask.shape, "mask": text(mask), "expected": text(result)})


for density in (0.3, 0.85):
    flat = (random.random((11, 14)) < density).astype(np.uint8)
    flat[:4, 9:] = 1  # a region that touches two borders
    deep = (random.random((4, 6, 7)) < density).astype(np.uint8)
    deep[1:, :3, :3] = 1
    for structure in ("box", "cross"):
        for radius, iterations in ((1, 1), (2, 1), (1, 3)):
            for op in ("erosion", "dilation", "opening", "closing", "gradient", "internal-gradient", "external-gradient"):
                add("cv2", opencv, flat, op, structure, radius, iterations)
            for op in ("erosion", "dilation"):
                for border in ("zero", "one"):
                    add("scipy", with_scipy, flat, op, structure, radius, iterations, border)
                    add("scipy", with_scipy, deep, op, structure, radius, iterations, border)
            for op in ("opening", "closing"):
                add("scipy", with_scipy, deep, op, structure, radius, iterations, "zero")
        for op in ("erosion", "dilation", "opening", "closing"):
            add("skimage", with_skimage, deep, op, structure)

OUT.write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
record(OUT, "numpy", "opencv-python-headless", "scipy", "scikit-image")
print(len(cases), "cases,", OUT.stat().st_size, "bytes")
