"""NPY and NPZ files as numpy writes them, and pickles as nnU-Net does."""

import json
import pickle

import numpy as np

from manifest import Manifest, sha256

from .nifti import TYPES, values


def facts(data: np.ndarray) -> dict:
    return {"dims": list(data.shape), "dtype": data.dtype.str, "sha256": sha256(data)}


def write(manifest: Manifest) -> None:
    for kind in [*TYPES, "f2", "?"]:
        for endian in "<>":
            data = values(kind, (4, 3, 5)).astype(np.dtype(kind).newbyteorder(endian))
            for order in "CF":
                name = f"numpy/{kind.replace('?', 'bool')}-{'big' if endian == '>' else 'little'}-{order}.npy"
                np.save(manifest.path(name), np.asarray(data, order=order))
                manifest.add(name, facts(data))
    for version in ((1, 0), (2, 0), (3, 0)):
        name = f"numpy/version-{version[0]}.npy"
        data = values("f4", (3, 4))
        with manifest.path(name).open("wb") as file:
            np.lib.format.write_array(file, data, version=version)
        manifest.add(name, facts(data))
    held = {"probs": values("f4", (3, 4, 5)), "label": values("i8", (4, 5)), "scalar": np.array(3.5)}
    for save, word in ((np.savez, "stored"), (np.savez_compressed, "packed")):
        name = f"numpy/{word}.npz"
        save(manifest.path(name), **held)
        manifest.add(name, {"arrays": {f"{key}.npy": facts(data) for key, data in held.items()}})
    for name, data in (("object.npy", np.array([{}, 1])), ("fields.npy", np.zeros(2, [("a", "i4"), ("b", "f4")]))):
        np.save(manifest.path(f"numpy/{name}"), data, allow_pickle=True)
        manifest.add(f"numpy/{name}", {"error": "object and structured arrays are refused"})
    content = {"spacing": [2.5, 0.9, 0.8], "shape_before_cropping": (10, 14, 12), "bbox": [[0, 10], [1, 14], [0, 12]]}
    manifest.path("pickle/case.pkl").write_bytes(pickle.dumps(content))
    manifest.add("pickle/case.pkl", {"content": json.loads(json.dumps(content))})
