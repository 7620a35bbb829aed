"""Golden values of the losses, for packages/losses/test/golden/*.json.

Run with torch, numpy and scipy:  python tools/golden/losses.py
Every loss is written here from its published definition and evaluated by torch autograd in float64; the float32 result is
computed too and has to agree. The rows of sheet-rows.json were printed (once, in float32) by the authors' own code.
"""

import json
import re
from pathlib import Path

import loss_targets as targets
import numpy as np
import torch
from loss_cases import cases_of
from loss_fixtures import FIXTURES, image_of, logits_of, run_lengths
from scipy import ndimage
from versions import record

GOLDEN = Path(__file__).resolve().parents[2] / "packages/losses/test/golden"


class Case:
    """The inputs of every definition below for one fixture: log-probabilities, probabilities and label-only targets."""

    def __init__(self, fixture, dtype):
        self.fixture, self.dtype = fixture, dtype
        self.classes = fixture["dims"][1]
        self.labels = fixture["labels"]
        self.z = torch.tensor(logits_of(fixture), dtype=dtype, requires_grad=True)
        self.lp = torch.log_softmax(self.z, 1)
        self.p = torch.softmax(self.z, 1)
        self.y = torch.tensor(self.labels)[:, None]
        self.q = self.constant(targets.one_hot(self.labels, self.classes))

    def constant(self, array):
        return torch.tensor(np.asarray(array, np.float32)).to(self.dtype)

    def image(self):
        return image_of(self.fixture)

    def ce(self, target=None):
        return -((self.q if target is None else target) * self.lp).sum(1).mean()

    def py(self):
        return self.p.gather(1, self.y)[:, 0]


def gap(a, b, kind, tolerance=0.0):
    d = (a - b).abs()
    d = torch.relu(d - tolerance) if tolerance else d
    return d.mean() if kind == "l1" else (d * d).mean()


def margin_penalty(z, m, penalty="hinge"):
    excess = z.max(1, keepdim=True).values - z - m
    if penalty == "squared":  # as coded in MarginLoss, where it is never inactive
        return (excess**2).mean()
    return (torch.relu(excess) ** (1 if penalty == "hinge" else 2)).mean()


def cross_entropy(c, ignore=None, classWeights=None):
    if classWeights:
        weights = torch.tensor(classWeights, dtype=c.dtype)
        loss = torch.nn.functional.cross_entropy(c.z, c.y[:, 0], weight=weights)
        return {"loss": loss, "crossEntropy": loss}
    if ignore is None:
        return {"loss": c.ce(), "crossEntropy": c.ce()}
    loss = torch.nn.functional.cross_entropy(c.z, c.y[:, 0], ignore_index=ignore)
    return {"loss": loss, "crossEntropy": loss}


def dice_value(c, preset="original", includeBackground=True, squared=False, jaccard=False, batch=False,
               smoothNumerator=1e-5, smoothDenominator=1e-5):
    p, q = c.p, c.q
    space = tuple(range(2, p.dim()))
    if preset == "reference":
        overlap, total = (p * q).sum(space), (p + q).sum(space).clamp_min(1e-6)
        return 1 - ((2 * overlap + 1e-6) / (total + 1e-6)).mean()
    if not includeBackground:
        p, q = p[:, 1:], q[:, 1:]
    axes = (0, *space) if batch else space
    overlap = (p * q).sum(axes)
    total = (p * p + q * q if squared else p + q).sum(axes)
    bottom = 2 * (total - overlap) if jaccard else total
    return (1 - (2 * overlap + smoothNumerator) / (bottom + smoothDenominator)).mean()


def dice(c, **options):
    value = dice_value(c, **options)
    return {"loss": value, "dice": value}


def dice_cross_entropy(c, diceWeight=1.0, crossEntropyWeight=1.0, **options):
    value = dice_value(c, **options)
    return {"loss": diceWeight * value + crossEntropyWeight * c.ce(), "dice": value, "crossEntropy": c.ce()}


def focal_value(c, gamma):
    # 1 - p_y as the sum of the other probabilities: the same number without the cancellation.
    return -((c.p * (1 - c.q)).sum(1) ** gamma) * c.lp.gather(1, c.y)[:, 0]


def focal(c, preset="original", gamma=3.0, reduction="pixels", classWeights=None):
    per_pixel = focal_value(c, gamma)
    if classWeights:
        per_pixel = per_pixel * torch.tensor(classWeights, dtype=c.dtype)[c.y[:, 0]]
    value = {"pixels": per_pixel.mean(), "all": per_pixel.mean() / c.classes, "sum": per_pixel.sum()}[reduction]
    return {"loss": value, "focal": value}


def label_smoothing(c, preset="original", alpha=0.1):
    a = alpha if preset == "original" else alpha * c.classes / (c.classes - 1)
    value = c.ce((1 - a) * c.q + a / c.classes)
    return {"loss": value, "crossEntropy": value}


def entropy_penalty(c, preset="original", weight=0.1):
    if preset == "original":
        entropy = -(c.p * c.lp).mean()
    else:
        p = c.p.clamp_min(1e-8)
        entropy = -(p * p.log()).sum(1).mean()
    return {"loss": c.ce() - weight * entropy, "crossEntropy": c.ce(), "entropy": entropy}


def penalised(c, tau, alpha, of="logits", kind="l1", tolerance=0.0, target=None):
    local = gap(tau, c.z if of == "logits" else c.p, kind, tolerance)
    ce = c.ce(target)
    return {"loss": ce + alpha * local, "crossEntropy": ce, "localCalibration": local}


def svls(c, preset="original", sigma=1.0, alpha=0.1, distance="l1", morphology="none"):
    if preset == "original":
        value = c.ce(c.constant(targets.svls(c.labels, c.classes, sigma, 3, morphology)))
        return {"loss": value, "crossEntropy": value}
    tau = c.constant(targets.adaptive(c.labels, c.classes, "closing", "gaussian"))
    return penalised(c, tau, alpha, "probs", distance)


def mbls(c, preset="original", margin=10.0, alpha=0.1, penalty="hinge"):
    if preset == "original":
        value = margin_penalty(c.z, margin, penalty)
        return {"loss": c.ce() + alpha * value, "crossEntropy": c.ce(), "margin": value}
    smoothed = label_smoothing(c, "reference", alpha)["loss"]
    top = c.z.topk(2, 1).values
    value = torch.relu(margin - (top[:, 0] - top[:, 1])).mean()
    return {"loss": smoothed + 1e-3 * value, "crossEntropy": smoothed, "margin": value}


def nacl_target(c, preset, kernel, size, sigma, morphology="none", dimensions=2):
    if preset == "reference":
        return c.constant(targets.adaptive(c.labels, c.classes, morphology or "closing", kernel))
    if preset == "monai":
        return c.constant(targets.monai(c.labels, c.classes, kernel, size))
    morphology = morphology or "none"
    return c.constant(targets.nacl(c.labels, c.classes, kernel, size, sigma, c.image(), morphology, dimensions))


def nacl(c, preset="original", kernel=None, size=3, sigma=1.0, distance="l1", alpha=0.1, of="logits", morphology=None,
         dimensions=2):
    kernel = kernel or ("min" if preset == "reference" else "mean")
    of = "probs" if preset == "reference" else of
    tau = nacl_target(c, preset, kernel, size, sigma, morphology, dimensions)
    return penalised(c, tau, alpha, of, distance)


def margin_svls(c, variant="logit-margin", alpha=0.1, margin=None, marginWeight=0.0, sigma=1.0, kernel="mean", size=3,
                distance="l1", of="logits", tolerance=0.0, target=None, morphology="none", dimensions=2):
    soft = c.constant(targets.svls(c.labels, c.classes, sigma, 3, morphology))
    if variant == "logit-margin":
        value, ce = margin_penalty(c.z, 10.0 if margin is None else margin), c.ce(soft)
        return {"loss": ce + alpha * value, "crossEntropy": ce, "margin": value}
    tau = nacl_target(c, "original", kernel, size, sigma, morphology, dimensions)
    terms = penalised(c, tau, alpha, of, distance, tolerance, soft if target == "svls" else None)
    if marginWeight:
        terms["margin"] = margin_penalty(c.z, 3.0 if margin is None else margin)
        terms["loss"] = terms["loss"] + marginWeight * terms["margin"]
    return terms


def focal_calibration(c, preset="original", gamma=None, weight=None, brierGamma=None):
    reference = preset == "reference"
    gamma = gamma if gamma is not None else 3.0 if reference else 2.0
    weight = weight if weight is not None else 0.1 if reference else 1.0
    focal, brier = focal_value(c, gamma).mean(), ((c.p - c.q) ** 2).sum(1)
    if brierGamma is not None:
        brier = (1 - c.py().detach()) ** brierGamma * brier
    brier = brier.mean() / c.classes if reference else brier.mean()
    return {"loss": focal + weight * brier, "focal": focal, "brier": brier}


def signed_distance_calibration(c, preset="reference", alpha=0.1, sdfWeight=0.1, scale=None, morphology=None,
                                kernel="mean", distance="l1", sign=None, normalize=None, truncate=None, size=3):
    reference = preset == "reference"
    normalize = normalize or ("max" if reference else "split")
    sign = sign or preset
    spacing = None if reference else c.fixture.get("spacing")
    if reference:
        soft = targets.adaptive(c.labels, c.classes, morphology or "gradient", kernel)
    else:
        soft = targets.consistent(c.labels, c.classes, size, kernel, 1.0, morphology or "none")
    sdf = c.constant(targets.signed_distance(c.labels, c.classes, normalize, spacing, truncate))
    predicted = 2 * c.p - 1 if sign == "reference" else 1 - 2 * c.p
    if reference:
        aligned = gap(predicted, sdf, distance)
    else:
        present = c.q.flatten(2).amax(2)
        off = (predicted - sdf).abs() if distance == "l1" else (predicted - sdf) ** 2
        aligned = (off.flatten(2).mean(2) * present).sum() / present.sum()
    scale = scale or (100.0 if reference else 1.0)
    terms = penalised(c, c.constant(soft), alpha, "probs", distance)
    return {**terms, "loss": terms["loss"] + sdfWeight / scale * aligned, "sdf": aligned}


def power(x, gamma):
    """x^gamma, below gamma 1 with x kept from 0, where its slope is infinite."""
    return (x.clamp_min(1e-20) if gamma < 1 else x) ** gamma


def first_largest(values):
    """The index of the largest over classes, of equals the first: [N, 1, ...]."""
    index = torch.arange(values.shape[1]).reshape(1, -1, *[1] * (values.dim() - 2))
    largest = values.detach().amax(1, keepdim=True)
    return torch.where(values.detach() == largest, index, values.shape[1]).amin(1, keepdim=True)


def flsd(c, gamma=3.0):
    own = c.py().detach()
    exponent = torch.where(own < 0.2, 5.0, torch.where(own < 0.5, 3.0, gamma))
    value = (-((c.p * (1 - c.q)).sum(1) ** exponent) * c.lp.gather(1, c.y)[:, 0]).mean()
    return {"loss": value, "focal": value}


def dual_focal(c, gamma=3.0):
    own = c.p.gather(1, c.y)
    below = torch.where(c.p < own, c.p, torch.zeros_like(c.p))
    second = below.gather(1, first_largest(below))[:, 0]
    value = (-(power(1 - own[:, 0] + second, gamma)) * c.lp.gather(1, c.y)[:, 0]).mean()
    return {"loss": value, "focal": value}


def soft_counts(c, includeBackground=True, gamma=1.0):
    p, q = (c.p, c.q) if includeBackground else (c.p[:, 1:], c.q[:, 1:])
    sums = lambda x: x.flatten(2).sum(2)
    return sums(p * q), sums(((1 - q) * p) ** gamma), sums((q * (1 - p)) ** gamma)


def tversky(c, falsePositiveWeight=0.3, falseNegativeWeight=0.7, focus=1.0, smooth=1e-5, includeBackground=True):
    tp, fp, fn = soft_counts(c, includeBackground)
    index = (tp + smooth) / (tp + falsePositiveWeight * fp + falseNegativeWeight * fn + smooth)
    value = power(1 - index, focus).mean()
    return {"loss": value, "tversky": value}


def dice_plus_plus(c, gamma=2.0, smooth=1e-7, includeBackground=True):
    tp, fp, fn = soft_counts(c, includeBackground, gamma)
    value = 1 - ((2 * tp + smooth) / (2 * tp + fp + fn + smooth)).mean()
    return {"loss": value, "dice": value}


def unified_focal(c, weight=0.5, delta=0.6, gamma=0.5):
    tp, fp, fn = soft_counts(c)
    apart = 1 - (tp + 1e-7) / (tp + delta * fn + (1 - delta) * fp + 1e-7)
    apart = torch.cat([apart[:, :1], power(apart[:, 1:], 1 - gamma)], 1)
    ce = -c.q * c.lp
    easy = power(c.p[:, 1:].sum(1), gamma) if gamma else 1
    fl = ((1 - delta) * easy * ce[:, 0] + delta * ce[:, 1:].sum(1)).mean()
    ftl = apart.mean()
    return {"loss": weight * ftl + (1 - weight) * fl, "tversky": ftl, "focal": fl}


def acls(c, alpha=0.1, positiveWeight=1.0, negativeWeight=0.1, margin=10.0):
    largest = c.z.detach().amax(1, keepdim=True)
    at = c.z.detach() == largest
    pixels = c.y.numel()
    positive = (torch.relu(c.z - margin) ** 2)[at].sum() / pixels
    negative = (torch.relu(largest - c.z - margin) ** 2)[~at].sum() / (pixels * (c.classes - 1))
    loss = c.ce() + alpha * (positiveWeight * positive + negativeWeight * negative)
    return {"loss": loss, "crossEntropy": c.ce(), "positive": positive, "negative": negative}


def cpc(c, discriminationWeight=0.1, exclusionWeight=1.0):
    z = c.z.movedim(1, -1).reshape(-1, c.classes)
    y = c.y[:, 0].reshape(-1)
    others = torch.stack([torch.cat([row[:k], row[k + 1:]]) for row, k in zip(z, y.tolist())])
    own = z.gather(1, y[:, None])
    discrimination = -torch.nn.functional.logsigmoid(own - others).mean()
    pairs = -torch.nn.functional.logsigmoid(others[:, :, None] - others[:, None, :])
    exclusion = 0.5 * pairs.sum() / (len(y) * (c.classes - 1) * (c.classes - 2))
    loss = c.ce() + discriminationWeight * discrimination + exclusionWeight * exclusion
    return {"loss": loss, "crossEntropy": c.ce(), "discrimination": discrimination, "exclusion": exclusion}


def dca(c, beta=1.0):
    at = first_largest(c.p)
    value = (c.p.gather(1, at).mean() - (at == c.y).to(c.dtype).mean()).abs()
    return {"loss": c.ce() + beta * value, "crossEntropy": c.ce(), "dca": value}


def mdca(c, beta=1.0):
    axes = (0, *range(2, c.p.dim()))
    value = (c.p.mean(axes) - c.q.mean(axes)).abs().mean()
    return {"loss": c.ce() + beta * value, "crossEntropy": c.ce(), "mdca": value}


def meep(c, form="divergence", pixels="errors", weight=0.3):
    wrong = torch.ones_like(c.y, dtype=torch.bool) if pixels == "all" else first_largest(c.p) != c.y
    if form == "divergence":
        per_pixel = -c.lp.clamp_min(np.log(1e-7)).mean(1, keepdim=True)
    else:
        p = c.p.clamp(1e-7, 1 - 1e-7)
        per_pixel = -(p * p.log() + (1 - p) * (1 - p).log()).mean(1, keepdim=True)
    penalty = (per_pixel * wrong).sum() / max(1, int(wrong.sum()))
    loss = c.ce() + (weight if form == "divergence" else -weight) * penalty
    return {"loss": loss, "crossEntropy": c.ce(), "penalty": penalty}


def l1_ace(c, binning="hard", bins=20, weight=0.33, diceWeight=0.33, crossEntropyWeight=0.33, includeAbsent=False):
    errors = []
    for p, q in zip(c.p.flatten(0, 1).flatten(1), c.q.flatten(0, 1).flatten(1)):
        gaps = []
        for m in range(bins):
            if binning == "hard":
                low, high = m / bins, (m + 1) / bins
                member = ((p > low) | (m == 0)) & (p <= high) if m < bins - 1 else p > low
                share = member.detach().to(p.dtype)
            else:
                place = (p * bins - 0.5).clamp(0, bins - 1)
                share = torch.relu(1 - (place - m).abs())
            total = share.sum()
            if total > (0 if binning == "hard" else 0.01):
                gaps.append(((share * p).sum() / total - (share * q).sum() / total).abs())
        error = torch.stack(gaps).mean()
        errors.append(error if includeAbsent or q.any() else 0 * error)
    ace = torch.stack(errors).mean()
    overlap = dice_value(c, squared=True, smoothNumerator=0)
    loss = weight * ace + diceWeight * overlap + crossEntropyWeight * c.ce()
    return {"loss": loss, "ace": ace, "dice": overlap, "crossEntropy": c.ce()}


def border_levels(c):
    """Signed distances per class, 0 on the inner border, and 0 for a class without a border."""
    spacing = c.fixture.get("spacing")
    levels = np.zeros((*c.labels.shape[:1], c.classes, *c.labels.shape[1:]))
    for n, labels in enumerate(c.labels):
        for k in range(c.classes):
            own = labels == k
            if own.any() and not own.all():
                inside = ndimage.distance_transform_edt(own, spacing)
                outside = ndimage.distance_transform_edt(~own, spacing)
                levels[n, k] = np.where(own, min(spacing) - inside, outside)
    return levels


def boundary(c, includeBackground=True):
    products = c.p * c.constant(border_levels(c))
    value = products[:, 0 if includeBackground else 1:].mean()
    return {"loss": value, "boundary": value}


def signed_distance_regression(c, weight=10.0, diceWeight=1.0):
    levels = border_levels(c)
    for maps in levels:
        for one in maps:
            outside, inside = one.max(), -one.min()
            one[:] = np.where(one > 0, one / max(outside, 1e-300), one / max(inside, 1e-300))
    g, s = 1 - 2 * c.p, c.constant(levels)
    total = lambda x: x.flatten(2).sum(2)
    product = -((total(g * s) + 1e-5) / (total(g * s) + total(g * g) + total(s * s) + 1e-5)).mean()
    distance, overlap = (g - s).abs().mean(), dice_value(c)
    loss = diceWeight * overlap + weight * (product + distance)
    return {"loss": loss, "dice": overlap, "product": product, "distance": distance}


def field(mask):
    if not mask.any() or mask.all():
        return np.zeros(mask.shape)
    return ndimage.distance_transform_edt(mask) + ndimage.distance_transform_edt(~mask)


def hausdorff(c, alpha=2.0, includeBackground=False, logarithm=False):
    first = 0 if includeBackground else 1
    predicted = c.p.detach().double().numpy() > 0.5
    weights = np.array([[field(predicted[n, k]) ** alpha + field(labels == k) ** alpha for k in range(first, c.classes)]
                        for n, labels in enumerate(c.labels)])
    value = ((c.p - c.q)[:, first:] ** 2 * torch.tensor(weights).to(c.dtype)).mean()
    return {"loss": torch.log(1 + value) if logarithm else value, "hausdorff": value}


def boundary_uncertainty(c, inner=0.9, outer=0.1, diceWeight=1.0, crossEntropyWeight=1.0):
    box = np.ones((3,) * (c.labels.ndim - 1))
    soft = np.zeros(c.q.shape)
    for n, labels in enumerate(c.labels):
        for k in range(c.classes):
            own = labels == k
            core = ndimage.binary_erosion(own, box, border_value=1)
            grown = ndimage.binary_dilation(own, box)
            soft[n, k] = np.where(core, 1, np.where(own, inner, np.where(grown, outer, 0)))
    t = c.constant(soft / soft.sum(1, keepdims=True))
    total = lambda x: x.flatten(2).sum(2)
    overlap = 1 - ((2 * total(c.p * t) + 1e-5) / (total(c.p + t) + 1e-5)).mean()
    return {"loss": diceWeight * overlap + crossEntropyWeight * c.ce(t), "dice": overlap, "crossEntropy": c.ce(t)}


def phr(h, lam, rho):
    x = lam + rho * h
    return torch.where(x >= 0, (x**2 - lam**2) / (2 * rho), -(lam**2) / (2 * rho))


def crac(c, margin=5.0, rho=0.1):
    """The loss of the first epoch, whose multipliers are 1e-6."""
    tau = nacl_target(c, "original", "mean", 3, 1.0)
    near = (tau < 1 - 1e-6).all(1, keepdim=True).expand(tau.shape)
    h = torch.where(near, (tau - c.z).abs(), (margin * tau - c.z).abs())
    both = torch.cat([torch.where(near, h, 0 * h), torch.where(near, 0 * h, h)], 1)
    penalty = phr(both, 1e-6, rho).mean()
    return {"loss": c.ce() + penalty, "crossEntropy": c.ce(), "penalty": penalty}


def cals(c, margin=20.0, rho=1.0):
    """The loss of the first epoch, whose multipliers are 1e-6."""
    h = (c.z.gather(1, first_largest(c.z)) - c.z - margin) / margin
    penalty = phr(h, 1e-6, rho).mean()
    return {"loss": c.ce() + penalty, "crossEntropy": c.ce(), "penalty": penalty}


def ada_focal(c):
    """The loss of the first epoch, whose exponents are 1."""
    value = focal_value(c, 1.0).mean()
    return {"loss": value, "focal": value}


def weighted(c, losses):
    parts = [LOSSES[part["loss"]["name"]](c, **options_of(part["loss"])) for part in losses]
    return {"loss": sum(part["weight"] * terms["loss"] for part, terms in zip(losses, parts))}


LOSSES = {re.sub("_(.)", lambda match: match[1].upper(), definition.__name__): definition for definition in (
    cross_entropy, dice, dice_cross_entropy, focal, label_smoothing, entropy_penalty, svls, margin_svls, mbls, nacl,
    focal_calibration, signed_distance_calibration, flsd, dual_focal, tversky, dice_plus_plus, unified_focal, acls, cpc, dca,
    mdca, meep, boundary, boundary_uncertainty, hausdorff, signed_distance_regression,
    crac, cals, ada_focal, weighted)}
LOSSES["l1Ace"] = l1_ace


def options_of(config):
    return {key: value for key, value in config.items() if key != "name"}


def evaluate(fixture, config, dtype, term="loss"):
    """Returns every term's value, and the gradient of `term` with respect to the logits."""
    case = Case(fixture, dtype)
    terms = LOSSES[config["name"]](case, **options_of(config))
    (gradient,) = torch.autograd.grad(terms[term], case.z)
    return {name: value.item() for name, value in terms.items()}, gradient.double().numpy().ravel()


def golden(fixture, config):
    terms, gradient = evaluate(fixture, config, torch.float64)
    single, rough = evaluate(fixture, config, torch.float32)
    assert abs(single["loss"] - terms["loss"]) <= 2e-5 * max(1, abs(terms["loss"])), (config, single, terms)
    assert np.abs(rough - gradient).max() <= 2e-5, (config, np.abs(rough - gradient).max())
    probe = np.sin(np.arange(gradient.size) + 1.0)
    shown = lambda x: float(f"{x:.10g}")
    return {
        "loss": config,
        "terms": {name: shown(value) for name, value in terms.items()},
        "norm": shown(np.linalg.norm(gradient)),
        "dot": shown(gradient @ probe),
        "entries": [shown(gradient[i]) for i in fixture["entries"]],
    }


def check_rows():
    """Fails unless the definitions above give the rows printed by the authors' code."""
    wrong = []
    for row in json.loads((GOLDEN / "sheet-rows.json").read_text()):
        fixture, term = FIXTURES[row["fixture"]], row.get("term", "loss")
        terms, gradient = evaluate(fixture, row["loss"], torch.float64, term)
        norm, g = np.linalg.norm(gradient), gradient[fixture["entries"][0]]
        off = (abs(terms[term] - row["value"]), abs(norm / row["norm"] - 1), abs(g - row["g"]))
        if off[0] > 1e-6 or off[1] > 1e-4 or off[2] > 1e-8:
            wrong.append(f"{row['row']}: value off by {off[0]:.2g}, norm {off[1]:.2g}, g {off[2]:.2g}")
    if wrong:
        raise SystemExit("\n".join(wrong))


def main():
    check_rows()
    for name, fixture in FIXTURES.items():
        cases = [golden(fixture, config) for config in cases_of(name, fixture)]
        head = json.dumps({"fixture": {**fixture, "labels": run_lengths(fixture)}})[:-1]
        lines = ",\n  ".join(json.dumps(case) for case in cases)
        (GOLDEN / f"{name}.json").write_text(f'{head},\n "cases": [\n  {lines}\n]}}\n')
        record(GOLDEN / f"{name}.json", "numpy", "scipy", "torch")
        print(f"{name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
