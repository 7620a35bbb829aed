"""Writes packages/io/test/golden/{stored,deflated}.npz: archives as NumPy makes them, for npz.test.ts."""

from pathlib import Path

import numpy as np

from versions import record

out = Path(__file__).resolve().parents[2] / "packages/io/test/golden"
out.mkdir(parents=True, exist_ok=True)
arrays = {
    "image": (np.arange(6, dtype=np.float32) / 2).reshape(1, 2, 3),
    "label": np.arange(6).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
    "big_endian": np.array([1.25, -3], dtype=">f8"),
    "half": np.array([0.5, 2], dtype=np.float16),
    "flags": np.array([True, False]),
    "scalar": np.array(7.5),
}
np.savez(out / "stored.npz", **arrays)
np.savez_compressed(out / "deflated.npz", **arrays)
for name in ("stored", "deflated"):
    record(out / f"{name}.npz", "numpy")
