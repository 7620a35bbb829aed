"""Label-only targets of the losses, written from their definitions with numpy and scipy (float64 unless stated)."""

import numpy as np
from scipy import ndimage
from scipy.special import erf



def one_hot(labels, classes):
    return np.moveaxis(labels[..., None] == np.arange(classes), -1, 1).astype(np.float64)


def windows(array, size, mode, axes, cval=0.0):
    """Returns all shifted copies of `array` under a box window over `axes`, centre included, in raster order."""
    radius = size // 2
    pad = [(radius, radius) if axis in axes else (0, 0) for axis in range(array.ndim)]
    padded = np.pad(array, pad, mode=mode, **({"constant_values": cval} if mode == "constant" else {}))
    shifts = np.stack(np.meshgrid(*[np.arange(size)] * len(axes), indexing="ij"), -1).reshape(-1, len(axes))
    copies = []
    for shift in shifts:
        index = [slice(None)] * array.ndim
        for axis, start in zip(axes, shift):
            index[axis] = slice(start, start + array.shape[axis])
        copies.append(padded[tuple(index)])
    return np.stack(copies), shifts - radius


def offsets_of(size, dimensions):
    grid = np.stack(np.meshgrid(*[np.arange(size) - size // 2] * dimensions, indexing="ij"), -1)
    return grid.reshape(-1, dimensions)


def nacl(labels, classes, kernel="mean", size=3, sigma=1.0, image=None, morph="none", dimensions=2):
    """Returns neighbourhood targets of NACL's authors; pixels outside the image count as class 0."""
    if kernel == "gaussian":
        return svls(labels, classes, sigma, size, morph, dimensions)
    hot = one_hot(labels, classes)
    masks = adapted(hot, morph, dimensions)
    axes = tuple(range(hot.ndim - dimensions, hot.ndim))
    # [window, N, C, ...]: outside lies class 0
    around = np.stack([windows(masks[:, c], size, "constant", [a - 1 for a in axes], float(c == 0))[0]
                       for c in range(classes)], 2)
    counts = around.sum(0)
    if kernel in ("max", "min", "median", "mode"):
        below = counts.cumsum(1)
        index = {
            "max": classes - 1 - (counts[:, ::-1] > 0).argmax(1),
            "min": (counts > 0).argmax(1),
            "median": (2 * below >= below[:, -1:]).argmax(1),
            "mode": counts.argmax(1),
        }[kernel]
        soft = one_hot(index, classes) * (below[:, -1:] > 0)
    elif kernel == "mean":
        soft = counts / len(around)
    else:
        picture = image[:, 0].astype(np.float64)
        difference = np.abs(windows(picture, size, "constant", [a - 1 for a in axes])[0] - picture)
        gauss = np.exp(-(offsets_of(size, dimensions) ** 2).sum(1) / (2 * sigma**2))
        gauss = (gauss / gauss.sum()).reshape(-1, *[1] * picture.ndim)
        if kernel in ("gradient", "bilateral"):
            weights = difference * (gauss if kernel == "bilateral" else 1) / len(around)
            return (around * weights[:, :, None]).sum(0)
        weights = np.exp(-(difference if kernel == "image-l1" else difference**2))
        soft = (around * (weights / weights.sum(0))[:, :, None]).sum(0)
    return soft if morph == "none" else distribution(soft, hot)


def svls(labels, classes, sigma=1.0, size=3, morph="none", dimensions=None):
    """Returns SVLS soft labels: half the pixel's own label, half the Gaussian-weighted neighbours, replicate padding."""
    dimensions = dimensions or labels.ndim - 1
    hot = one_hot(labels, classes)
    gauss = np.exp(-(offsets_of(size, dimensions) ** 2).sum(1) / (2 * sigma**2))
    gauss /= gauss.sum()
    centre = len(gauss) // 2
    weights = gauss / (1 - gauss[centre])
    weights[centre] = 1
    axes = tuple(range(hot.ndim - dimensions, hot.ndim))
    soft = np.tensordot(weights, windows(adapted(hot, morph, dimensions), size, "edge", axes)[0], 1) / 2
    return soft if morph == "none" else distribution(soft, hot)


def distribution(soft, hot):
    """Divides by the sum over classes; a pixel that belongs to no class keeps its label."""
    total = soft.sum(1, keepdims=True)
    return np.where(total > 0, soft / np.where(total > 0, total, 1), hot)


def adapted(hot, morph, dimensions):
    """Applies morphology to every mask over the last `dimensions` axes."""
    if morph == "none":
        return hot
    shape = hot.shape[hot.ndim - dimensions:]
    return np.stack([morphology(mask, morph) for mask in hot.reshape(-1, *shape)]).reshape(hot.shape).astype(float)


def monai(labels, classes, kernel="mean", size=3):
    """Returns NACL targets of MONAI: a zero-padded filter of the one-hot map, so mass is lost at the border."""
    hot = one_hot(labels, classes)
    if kernel == "mean":
        taps = np.full(size, 1 / size)
    else:
        taps = 0.5 * np.diff(erf((np.arange(10) - 4.5) / np.sqrt(2)))
    for axis in range(2, hot.ndim):
        hot = ndimage.correlate1d(hot, taps, axis=axis, mode="constant")
    return hot


def morphology(mask, op):
    """Applies box morphology of radius 1 to one mask; pixels outside the image never decide."""
    erosion = lambda m: ndimage.minimum_filter(m, 3, mode="constant", cval=1)
    dilation = lambda m: ndimage.maximum_filter(m, 3, mode="constant", cval=0)
    m = mask.astype(np.int32)
    return {
        "none": lambda: m,
        "erosion": lambda: erosion(m),
        "dilation": lambda: dilation(m),
        "opening": lambda: dilation(erosion(m)),
        "closing": lambda: erosion(dilation(m)),
        "internal-gradient": lambda: m - erosion(m),
        "external-gradient": lambda: dilation(m) - m,
        "gradient": lambda: dilation(m) - erosion(m),
    }[op]()


def aggregate(mask, kernel):
    m = mask.astype(np.float64)
    if kernel == "mean":
        return ndimage.uniform_filter(m, 3, mode="mirror")
    if kernel == "gaussian":
        taps = np.exp(-np.array([1, 0, 1]) / 2)
        taps /= taps.sum()
        for axis in (0, 1):
            m = ndimage.correlate1d(m, taps, axis=axis, mode="mirror")
        return m
    if kernel == "max":
        return morphology(mask, "dilation").astype(np.float64)
    if kernel == "min":
        return morphology(mask, "erosion").astype(np.float64)
    if kernel == "mode":
        return (ndimage.correlate(m, np.ones((3, 3)), mode="nearest") >= 4.5).astype(np.float64)
    return m  # "bilateral" as published never crosses an edge of the mask: it returns the mask


def adaptive(labels, classes, morph="gradient", kernel="mean"):
    """Returns the adaptive target of the SDC repository: each class on its own, slice by slice, then divided by the sum."""
    planes = labels.reshape(-1, *labels.shape[-2:])
    maps = np.stack([[aggregate(morphology(p == c, morph), kernel) for c in range(classes)] for p in planes])
    maps = maps.reshape(*labels.shape[:-2], classes, *labels.shape[-2:])
    maps = np.moveaxis(maps, labels.ndim - 2, 1)
    return maps / np.maximum(maps.sum(1, keepdims=True), 1e-6)


def consistent(labels, classes, size=3, kernel="mean", sigma=1.0, morph="none"):
    """Returns labels away from class borders, neighbourhood frequencies (replicate border) at them."""
    hot = one_hot(labels, classes)
    if kernel == "gaussian":
        soft = svls(labels, classes, sigma, size)
    else:
        soft = windows(hot, size, "edge", tuple(range(2, hot.ndim)))[0].mean(0)
    if morph == "none":
        return soft
    changed = adapted(hot, morph, labels.ndim - 1)
    band = changed > 0 if "gradient" in morph else changed != hot
    return np.where(band.any(1, keepdims=True), soft, hot)


def distance_to_zero(mask, spacing):
    """Returns scipy's distance to the nearest zero; where there is none, to the point (-1, 0, ...), as scipy does."""
    return ndimage.distance_transform_edt(mask, sampling=spacing)


def signed_distance(labels, classes, normalize="max", spacing=None, truncate=None):
    """Returns the signed distance per class, positive outside. "max" is the SDC repository's float32 arithmetic."""
    out = np.zeros((labels.shape[0], classes, *labels.shape[1:]), np.float32)
    for n in range(labels.shape[0]):
        for c in range(classes):
            mask = labels[n] == c
            if normalize == "max":
                sdf = (distance_to_zero(~mask, None) - distance_to_zero(mask, None)).astype(np.float32)
                out[n, c] = sdf / (np.abs(sdf).max() + np.float32(1e-6))
            elif not mask.any() or mask.all():
                out[n, c] = -1 if mask.any() else 1
            else:
                outside, inside = distance_to_zero(~mask, spacing), distance_to_zero(mask, spacing)
                if normalize == "split":
                    out[n, c] = outside / outside.max() - inside / inside.max()
                else:
                    out[n, c] = np.clip((outside - inside) / truncate, -1, 1)
    return out
