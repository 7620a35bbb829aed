"""Golden numbers of the statistics over cases, from scipy and statsmodels. Run: python tools/golden/statistics.py

Writes packages/evaluate/test/golden/statistics.json.
"""

import json
import pathlib

import numpy as np
from scipy import optimize, special, stats
from statsmodels.stats.multitest import multipletests

from versions import record

OUT = pathlib.Path(__file__).parents[2] / "packages/evaluate/test/golden/statistics.json"
rng = np.random.default_rng(7)


def signed_rank(name, differences, method):
    result = stats.wilcoxon(differences, zero_method="wilcox", correction=False, method=method)
    return {"name": name, "differences": list(map(float, differences)), "p": float(result.pvalue)}


every_pattern = stats.PermutationMethod(n_resamples=10**6)
shifted = rng.normal(0.4, 1, 60).round(6)
tied = rng.integers(-3, 6, 80).astype(float)
wilcoxon = [
    signed_rank("5 differences", shifted[:5], "exact"),
    signed_rank("12 differences", shifted[:12], "exact"),
    signed_rank("25 differences", shifted[:25], "exact"),
    signed_rank("26 differences", shifted[:26], "asymptotic"),
    signed_rank("60 differences", shifted, "asymptotic"),
    signed_rank("13 with ties and zeros", tied[:13], every_pattern),
    signed_rank("80 with ties and zeros", tied, "asymptotic"),
]

bootstrap = []
for name, sample, statistic in [
    ("mean of a skewed sample", rng.gamma(0.7, 1, 20), lambda x, axis: x.mean(axis)),
    ("ratio of sums", rng.gamma(2, 1, (14, 2)), None),
    ("discrete mean", rng.integers(0, 3, 9).astype(float), lambda x, axis: x.mean(axis)),
]:
    count = len(sample)
    draws = rng.integers(0, count, (400, count))
    leave = [np.delete(np.arange(count), i) for i in range(count)]
    if statistic is None:
        value = lambda rows: float(sample[rows, 0].sum() / sample[rows, 1].sum())
        data, options = (sample[:, 0], sample[:, 1]), {"paired": True}
        statistic = lambda x, y, axis: x.sum(axis) / y.sum(axis)
    else:
        value = lambda rows: float(sample[rows].mean())
        data, options = (sample,), {}
    drawn = [value(rows) for rows in draws]
    entry = {
        "name": name,
        "observed": value(np.arange(count)),
        "drawn": drawn,
        "without": [value(rows) for rows in leave],
    }
    for method in ("percentile", "BCa"):
        distribution = type("Result", (), {"bootstrap_distribution": np.array(drawn)})()
        for level in (0.9, 0.95):
            interval = stats.bootstrap(
                data, statistic, n_resamples=0, bootstrap_result=distribution, method=method,
                confidence_level=level, vectorized=True, **options,
            ).confidence_interval
            entry[f"{method} {level}"] = [float(interval.low), float(interval.high)]
    bootstrap.append(entry)

p_values = [
    [0.01, 0.04, 0.03, 0.005],
    [0.5, 0.02, 0.02, 0.9, 0.0001, 1.0],
    [0.3],
]
holm = [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in p_values]

shares = [1e-300, 1e-20, 1e-6, 0.001, 0.025, 0.075, 0.3, 0.5, 0.6, 0.925, 0.975, 0.9999]
normal = [{"share": share, "quantile": float(special.ndtri(share))} for share in shares]

student = [
    {"share": share, "freedom": freedom, "quantile": float(stats.t.ppf(share, freedom))}
    for freedom in (7, 19, 59, 999)
    for share in (0.005, 0.025, 0.05, 0.9, 0.975)
]

values, weights = rng.random(15), rng.integers(1, 9, 15).astype(float)
isotonic = {
    "values": values.tolist(),
    "weights": weights.tolist(),
    "fitted": optimize.isotonic_regression(values, weights=weights).x.tolist(),
}

golden = {"wilcoxon": wilcoxon, "bootstrap": bootstrap, "holm": holm, "normal": normal, "student": student, "isotonic": isotonic}
OUT.write_text(json.dumps(golden, indent=1) + "\n")
record(OUT, "numpy", "scipy", "statsmodels")
