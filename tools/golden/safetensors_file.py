"""Writes packages/io/test/golden/library.safetensors with the safetensors library, for safetensors.test.ts."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from versions import record

out = Path(__file__).resolve().parents[2] / "packages/io/test/golden/library.safetensors"
tensors = {
    "weight": (np.arange(4, dtype=np.float32) / 4).reshape(2, 2),
    "count": np.array(12),
    "half": np.array([1, -1], dtype=np.float16),
    "mask": np.array([True, False, True]),
}
save_file(tensors, out, metadata={"epoch": "3"})
record(out, "numpy", "safetensors")
