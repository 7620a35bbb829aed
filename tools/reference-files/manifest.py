"""Facts of files, by the names of the shared corpus's manifest."""

import hashlib
import json
from pathlib import Path

import numpy as np


def sha256(values: np.ndarray, order: str = "C") -> str:
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"))) if order == "C" else values
    data = little if order == "C" else np.asfortranarray(values.astype(values.dtype.newbyteorder("<")))
    return hashlib.sha256(data.tobytes(order)).hexdigest()


class Manifest:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[dict] = []
        self.series: dict[str, dict] = {}

    def path(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def add(self, name: str, facts: dict) -> None:
        self.files.append({"path": name, "category": name.split("/")[0], "facts": facts})

    def save(self) -> None:
        text = json.dumps({"series": self.series, "files": self.files}, indent=1)
        (self.folder / "manifest.json").write_text(text)
