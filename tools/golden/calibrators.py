"""Golden calibrators, as packages/core/test/golden/calibrators.json.

    python tools/golden/calibrators.py        (numpy, scipy)

Each fixture is made of hashes and IEEE operations alone, so that the tests compute the same logits. The objectives
are written out here as the documentation states them, and scipy minimises them.
"""

import json
import pathlib

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter
from scipy.optimize import isotonic_regression, minimize

from hashed import hashed
from versions import record

OUT = pathlib.Path(__file__).resolve().parents[2] / "packages/core/test/golden/calibrators.json"
LEAST = 0.02


def fixture_case(seed, classes, size, noise):
    """Logits [classes, *size] around a ball, float32, and labels that agree with them up to `noise`."""
    grid = np.meshgrid(*[np.arange(n, dtype=np.float64) for n in size], indexing="ij")
    squares = sum((x - (n - 1) / 2 - seed) ** 2 for x, n in zip(grid, size, strict=True))
    r = np.sqrt(squares)
    count = classes * r.size
    spread = hashed(count, seed * 2 + 1).reshape(classes, *size)
    logits = np.stack([(r - 5) * 1.5 if c == 0 else (5 - c - r) + c * 0.5 for c in range(classes)]) + spread
    logits = logits.astype(np.float32)
    moved = logits.astype(np.float64) + noise * hashed(count, seed * 2 + 2).reshape(classes, *size)
    return logits, moved.argmax(0)


FIXTURES = {
    "planar": dict(classes=3, size=[20, 18], cases=5, noise=4, radius=4),
    "anisotropic": dict(classes=2, size=[5, 12, 10], cases=4, noise=5, radius=4, spacing=[3, 1, 1]),
    "separable": dict(classes=3, size=[12, 11], cases=4, noise=0, radius=3),
    "absent class": dict(classes=4, size=[12, 11], cases=4, noise=3, radius=3, absent=3),
    "one pixel": dict(classes=3, size=[1, 1], cases=1, noise=0, radius=2),
    "ignored": dict(classes=3, size=[12, 11], cases=4, noise=4, radius=3, ignore=1),
    "worse than chance": dict(classes=2, size=[12, 11], cases=4, noise=3, radius=2, flipped=True),
    "classes": dict(classes=3, size=[20, 18], cases=4, noise=4, radius=2, sides="classes"),
}


def depth_of(labels, radius, spacing):
    steps = np.ones(labels.ndim) if spacing is None else np.array(spacing) / min(spacing)
    depth = np.zeros(labels.shape, int)
    for r in range(1, radius + 1):
        window = [2 * int(np.floor(r / step + 1e-4)) + 1 for step in steps]
        depth += maximum_filter(labels, window, mode="nearest") == minimum_filter(labels, window, mode="nearest")
    return depth


class Pixels:
    """The logits [n, classes], labels, cells and case of all pixels that count."""

    def __init__(self, classes, size, cases, noise, radius, spacing=None, absent=None, ignore=None, sides="foreground",
                 flipped=False):
        parts = []
        for seed in range(cases):
            logits, labels = fixture_case(seed, classes, size, noise)
            if absent is not None:
                labels = np.where(labels == absent, 0, labels)
            predicted = logits.argmax(0)
            if flipped:
                labels = np.where(predicted > 0, 1 - labels, labels)
            side = predicted if sides == "classes" else (predicted > 0).astype(int)
            cells = side * (radius + 1) + depth_of(predicted, radius, spacing)
            keep = labels != ignore if ignore is not None else np.ones(labels.shape, bool)
            z = logits.reshape(classes, -1).T.astype(np.float64)[keep.ravel()]
            parts.append((z, labels[keep], cells[keep], np.full(keep.sum(), seed)))
        self.z, self.y, self.cell, self.case = (np.concatenate(part) for part in zip(*parts, strict=True))
        self.z -= self.z.mean(1, keepdims=True)
        self.sides, self.depths = (classes if sides == "classes" else 2), radius + 1

    def of(self, cases):
        part = object.__new__(Pixels)
        part.sides, part.depths = self.sides, self.depths
        keep = np.isin(self.case, cases)
        part.z, part.y, part.cell, part.case = self.z[keep], self.y[keep], self.cell[keep], self.case[keep]
        return part

    def loss(self, scale):
        """Loss, gradient and Hessian by the scale of each pixel."""
        u = self.z * scale[:, None]
        top = u.max(1, keepdims=True)
        e = np.exp(u - top)
        p = e / e.sum(1, keepdims=True)
        z_y = self.z[np.arange(len(self.y)), self.y]
        loss = np.log(e.sum(1)) + top[:, 0] - scale * z_y
        mean = (p * self.z).sum(1)
        return loss, mean - z_y, (p * (self.z - mean[:, None]) ** 2).sum(1)


def bounded_minimum(function, start):
    """The minimum over x >= LEAST of a convex function with its gradient and Hessian."""
    rough = minimize(lambda x: function(x)[:2], start, jac=True, method="L-BFGS-B", bounds=[(LEAST, None)] * len(start),
                     options=dict(maxiter=20000, maxfun=100000, ftol=0, gtol=1e-12, maxcor=30))
    x = rough.x.copy()
    free = ~((x <= LEAST) & (function(x)[1] > 0))

    def inner(part):
        full = x.copy()
        full[free] = part
        value, gradient, hessian = function(full)
        return value, gradient[free], hessian[np.ix_(free, free)]

    if free.any():
        fine = minimize(lambda v: inner(v)[0], x[free], jac=lambda v: inner(v)[1], hess=lambda v: inner(v)[2],
                        method="trust-exact", options=dict(gtol=1e-14, maxiter=2000))
        part = fine.x
        for _ in range(3):  # trust-exact stops where values no longer differ
            _, gradient, hessian = inner(part)
            part = part - np.linalg.solve(hessian, gradient)
        x[free] = part
    assert (x >= LEAST).all(), x
    return x


def temperature(pixels):
    def function(x):
        loss, gradient, hessian = pixels.loss(np.full(len(pixels.y), x[0]))
        off = x[0] - 1
        return (loss.mean() + 5e-9 * off * off, np.array([gradient.mean() + 1e-8 * off]),
                np.array([[hessian.mean() + 1e-8]]))

    return bounded_minimum(function, np.array([1.0]))[0]


def table(pixels, weight):
    anchor, cells = temperature(pixels), pixels.sides * pixels.depths
    difference = np.zeros((0, cells))
    for k in range(cells):
        if k % pixels.depths < pixels.depths - 1:
            row = np.zeros(cells)
            row[k], row[k + 1] = -1, 1
            difference = np.vstack([difference, row])
    penalty = difference.T @ difference + 0.1 * np.eye(cells)

    def function(a):
        loss, gradient, hessian = pixels.loss(a[pixels.cell])
        n = len(loss)
        by_cell = lambda values: np.bincount(pixels.cell, values, cells) / n  # noqa: E731
        rough, off = difference @ a, a - anchor
        value = loss.mean() + weight / 2 * (rough @ rough + 0.1 * off @ off)
        slope = by_cell(gradient) + weight * (difference.T @ rough + 0.1 * off)
        return value, slope, np.diag(by_cell(hessian)) + weight * penalty

    return bounded_minimum(function, np.full(cells, anchor))


def chosen_weight(pixels, cases):
    """Four folds of cases in turn; the smoothest of equals."""
    folds, scores = min(4, cases), []
    for weight in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        total = 0
        for fold in range(folds):
            held = [case for case in range(cases) if case % folds == fold]
            a = table(pixels.of([case for case in range(cases) if case % folds != fold]), weight)
            test = pixels.of(held)
            total += test.loss(a[test.cell])[0].sum()
        scores.append(total)
    return (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)[int(np.argmin(scores))]


def smooth_minimum(function, start):
    """The minimum of a smooth convex function (value, gradient, Hessian) without bounds."""
    x = minimize(lambda v: function(v)[0], start, jac=lambda v: function(v)[1], hess=lambda v: function(v)[2],
                 method="trust-exact", options=dict(gtol=1e-13, maxiter=5000)).x
    for _ in range(3):
        _, gradient, hessian = function(x)
        x = x - np.linalg.solve(hessian, gradient)
    return x


def linear(pixels, design, penalty, anchor):
    """The minimum of mean NLL + 1/2 (t - anchor)^T penalty (t - anchor) for logits design[i] @ t, design [n, classes, P]."""
    onehot = np.eye(pixels.z.shape[1])[pixels.y]

    def function(t):
        u = design @ t
        u = u - u.max(1, keepdims=True)
        e = np.exp(u)
        p = e / e.sum(1, keepdims=True)
        off, n = t - anchor, len(u)
        loss = (np.log(e.sum(1)) - u[np.arange(n), pixels.y]).mean()
        mean = np.einsum("nc,ncp->np", p, design)
        hessian = np.einsum("nc,ncp,ncq->pq", p, design, design) / n - mean.T @ mean / n
        gradient = np.einsum("nc,ncp->p", p - onehot, design) / n
        return loss + off @ penalty @ off / 2, gradient + penalty @ off, hessian + penalty

    return smooth_minimum(function, anchor.copy())


def affine(pixels, weight):
    classes, cells = pixels.z.shape[1], pixels.sides * pixels.depths
    size = 1 + classes
    design = np.zeros((len(pixels.y), classes, cells * size))
    for i, k in enumerate(pixels.cell):
        design[i, :, k * size] = pixels.z[i]
        design[i, np.arange(classes), k * size + 1 + np.arange(classes)] = 1
    rough = np.zeros((cells * size, cells * size))
    for k in range(cells):
        for j in range(size):
            if k % pixels.depths < pixels.depths - 1:
                row = np.zeros(cells * size)
                row[k * size + j], row[(k + 1) * size + j] = -1, 1
                rough += np.outer(row, row)
    anchor = np.zeros(cells * size)
    anchor[::size] = temperature(pixels)
    return linear(pixels, design, weight * (rough + 0.1 * np.eye(cells * size)), anchor)


def vector(pixels):
    classes = pixels.z.shape[1]
    design = np.zeros((len(pixels.y), classes, 2 * classes))
    for c in range(classes):
        design[:, c, 2 * c], design[:, c, 2 * c + 1] = pixels.z[:, c], 1
    return linear(pixels, design, 1e-8 * np.eye(2 * classes), np.tile([1.0, 0.0], classes))


def log_softmax(z):
    return z - z.max(1, keepdims=True) - np.log(np.exp(z - z.max(1, keepdims=True)).sum(1, keepdims=True))


def matrix(pixels, x, weight):
    classes = x.shape[1]
    size = classes + 1
    design = np.zeros((len(x), classes, classes * size))
    anchor, penalty = np.zeros(classes * size), np.zeros(classes * size)
    for c in range(classes):
        design[:, c, c * size:c * size + classes], design[:, c, c * size + classes] = x, 1
        anchor[c * size + c] = 1
        penalty[c * size:(c + 1) * size] = 2 * weight / (classes * (classes - 1))
        penalty[c * size + c], penalty[c * size + classes] = 1e-8, 2 * weight / classes
    return linear(pixels, design, np.diag(penalty), anchor)


def entropy(pixels, weight):
    p = np.exp(log_softmax(pixels.z))
    h = np.log(np.maximum(-(p * log_softmax(pixels.z)).sum(1), np.exp(-16)))
    knots = np.linspace(-10, np.log(np.log(pixels.z.shape[1])), 9)
    hats = np.stack([np.interp(h, knots, row) for row in np.eye(9)], 1)
    design = pixels.z[:, :, None] * hats[:, None, :]
    difference = np.diff(np.eye(9), axis=0)
    return linear(pixels, design, weight * (difference.T @ difference + 0.1 * np.eye(9)), np.full(9, temperature(pixels)))


def mixture(pixels):
    scale = temperature(pixels)
    rows = np.arange(len(pixels.y))
    parts = np.stack([np.exp(log_softmax(scale * pixels.z))[rows, pixels.y],
                      np.exp(log_softmax(pixels.z))[rows, pixels.y], np.full(len(rows), 1 / pixels.z.shape[1])], 1)
    best = minimize(lambda w: (-np.log(parts @ w).mean(), -(parts / (parts @ w)[:, None]).mean(0)), [0.8, 0.1, 0.1], jac=True,
                    method="SLSQP", bounds=[(0, 1)] * 3, constraints=dict(type="eq", fun=lambda w: w.sum() - 1),
                    options=dict(ftol=1e-16, maxiter=1000))
    return best.x


def levels(pixels):
    """Per class: level, weight, positives and mean log-odds of the levels that occur."""
    logs = log_softmax(pixels.z)
    for c in range(pixels.z.shape[1]):
        others = np.delete(logs, c, 1)
        rest = np.log(np.exp(others - others.max(1, keepdims=True)).sum(1)) + others.max(1)
        x = np.clip(logs[:, c] - rest, -16, 16)
        level = np.clip(np.floor((x + 16) * 128), 0, 4095).astype(int)
        count = np.bincount(level, minlength=4096)
        used = count > 0
        positive = np.bincount(level, pixels.y == c, 4096)
        yield np.flatnonzero(used), count[used], positive[used], (np.bincount(level, x, 4096)[used] / count[used])


def logistic(features, count, positive, start):
    total = count.sum()

    def function(t):
        u = features @ t
        q = 1 / (1 + np.exp(-u))
        value = (count * np.logaddexp(0, u) - positive * u).sum() / total + 5e-9 * ((t - start) ** 2).sum()
        gradient = features.T @ (count * q - positive) / total + 1e-8 * (t - start)
        return value, gradient, (features * (count * q * (1 - q))[:, None]).T @ features / total + 1e-8 * np.eye(len(t))

    return smooth_minimum(function, np.array(start, float))


def one_versus_rest(pixels):
    for level, count, positive, x in levels(pixels):
        log_p, log_rest = -np.logaddexp(0, -x), -np.logaddexp(0, x)
        beta = logistic(np.stack([log_p, -log_rest, np.ones_like(x)], 1), count, positive, [1, 1, 0])
        isotonic = isotonic_regression(positive / count, weights=count)
        bins = np.minimum(9, np.floor(10 / (1 + np.exp(-x)))).astype(int)
        sums = np.bincount(bins, count, 10), np.bincount(bins, positive, 10)
        histogram = (sums[1] / np.maximum(sums[0], 1))[bins]
        yield dict(level=level.tolist(), platt=logistic(np.stack([x, np.ones_like(x)], 1), count, positive, [1, 0]).tolist(),
                   beta=beta.tolist(), isotonic=isotonic.x.tolist(), histogram=histogram.tolist())


def neighbourhoods(z, taps, dilation):
    """The centred logits [classes, *size] that filters see around every pixel: [pixels, classes x taps^D]."""
    classes, *size = z.shape
    reach = taps // 2 * dilation
    padded = np.pad(z, [(0, 0)] + [(reach, reach)] * len(size), mode="edge")
    columns = []
    for c in range(classes):
        for tap in np.ndindex(*[taps] * len(size)):
            window = tuple(slice(t * dilation, t * dilation + n) for t, n in zip(tap, size, strict=True))
            columns.append(padded[c][window].ravel())
    return np.stack(columns, 1)


class Local:
    """z / T with T = max(T1 g + T2 (1 - g), 0.05), T1 = f1 + 1, T2 = f2 + 1, g = sigmoid(f3); all pixels count."""

    def __init__(self, classes, size, cases, noise):
        self.taps, self.dilation = (3 if len(size) == 3 else 5), 2
        parts = []
        for seed in range(cases):
            logits, labels = fixture_case(seed, classes, size, noise)
            z = logits.astype(np.float64)
            z -= z.mean(0)
            parts.append((z.reshape(classes, -1).T, labels.ravel(), neighbourhoods(z, self.taps, self.dilation)))
        self.z, self.y, self.x = (np.concatenate(part) for part in zip(*parts, strict=True))
        self.x = np.hstack([self.x, np.ones((len(self.x), 1))])

    def scale(self, parameters):
        f1, f2, f3 = (parameters.reshape(3, -1) @ self.x.T)
        g = 1 / (1 + np.exp(-f3))
        t = 1 + f1 * g + f2 * (1 - g)
        return 1 / np.maximum(t, 0.05), t, g, f1 - f2

    def objective(self, parameters, start, weight):
        scale, t, g, gap = self.scale(parameters)
        u = self.z * scale[:, None]
        u = u - u.max(1, keepdims=True)
        p = np.exp(u)
        p /= p.sum(1, keepdims=True)
        rows, off = np.arange(len(u)), parameters - start
        slope = (p * self.z).sum(1) - self.z[rows, self.y]
        by_t = np.where(t > 0.05, -slope * scale**2, 0) / len(u)
        gradient = np.concatenate([by * by_t @ self.x for by in (g, 1 - g, gap * g * (1 - g))])
        return -np.log(p[rows, self.y]).mean() + weight / 2 * off @ off, gradient + weight * off

    def fitted(self, temperature_scale, weight):
        classes, inputs = self.z.shape[1], self.x.shape[1] - 1
        start = np.zeros((3, inputs + 1))
        start[:2, -1] = 1 / temperature_scale - 1
        start[2, :inputs // classes] = temperature_scale / (inputs // classes)
        start = start.ravel()
        best = minimize(lambda x: self.objective(x, start, weight), start, jac=True, method="L-BFGS-B",
                        options=dict(maxiter=5000, maxfun=10000, ftol=1e-13, gtol=1e-9))
        return start, best


def local(options, temperature_scale, weight=0.1):
    problem = Local(**{key: options[key] for key in ("classes", "size", "cases", "noise")})
    start, best = problem.fitted(temperature_scale, weight)
    probe = 0.05 * hashed(len(start), 77)
    pixels = int(np.prod(options["size"]))
    return dict(start=problem.objective(start, start, weight)[0], least=best.fun, penalty=weight,
                scales=np.round(problem.scale(probe)[0][:pixels], 9).tolist())


golden = []
for name, options in FIXTURES.items():
    pixels = Pixels(**options)
    row = dict(name=name, **options, temperature=temperature(pixels), tables={})
    for weight in (1e-5, 1e-2):
        row["tables"][f"{weight:g}"] = table(pixels, weight).tolist()
    if options["cases"] >= 4 and name in ("planar", "anisotropic", "ignored"):
        row["lambda"] = chosen_weight(pixels, options["cases"])
    if name in ("planar", "absent class"):
        row["affine"] = affine(pixels, 1e-3).tolist()
        row["vector"] = vector(pixels).tolist()
        row["matrix"] = matrix(pixels, pixels.z, 1e-3).tolist()
        row["dirichlet"] = matrix(pixels, np.maximum(log_softmax(pixels.z), np.log(1e-7)), 1e-3).tolist()
        row["mixture"] = mixture(pixels).tolist()
    if name == "planar":
        row["entropy"] = entropy(pixels, 1e-3).tolist()
        row["oneVersusRest"] = next(one_versus_rest(pixels))
    if name in ("planar", "anisotropic"):
        row["local"] = local(options, row["temperature"])
    golden.append(row)

OUT.write_text(json.dumps(dict(fixtures=golden), separators=(",", ":")) + "\n")
record(OUT, "numpy", "scipy")
