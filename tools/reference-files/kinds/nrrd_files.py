"""NRRD files: as pynrrd writes them, and headers made by hand."""

import gzip

import nrrd
import numpy as np

from manifest import Manifest, sha256

from .nifti import TYPES, values

SPACE = {
    "space": "left-posterior-superior",
    "space directions": [[0.8, 0, 0], [0, 1.1, 0], [0, 0, 3]],
    "space origin": [-12.5, 30, 7.25],
    "kinds": ["domain"] * 3,
}


def facts(path, kinds=None) -> dict:
    data, header = nrrd.read(str(path), index_order="F")
    names = ["space", "space directions", "space origin", "kinds", "spacings"]
    header = {name: np.asarray(header[name]).tolist() if name != "space" else header[name] for name in names if name in header}
    if kinds:
        header["kinds"] = kinds
    if "space directions" in header:
        rows = header["space directions"]
        header["space directions"] = [None if np.isnan(row).any() else row for row in rows]
    return {"dims": list(data.shape), "stored_dtype": str(data.dtype.newbyteorder("=")), "header": header, "sha256": sha256(data, "F")}


def put(manifest: Manifest, name: str, data: np.ndarray, header: dict, **options) -> None:
    path = manifest.path(f"nrrd/{name}")
    nrrd.write(str(path), data, header, index_order="F", **options)
    manifest.add(f"nrrd/{name}", facts(path))


def by_hand(manifest: Manifest, name: str, lines: list[str], body: bytes, facts_of=None) -> None:
    path = manifest.path(f"nrrd/{name}")
    path.write_bytes("\n".join(["NRRD0005", *lines, "", ""]).encode() + body)
    manifest.add(f"nrrd/{name}", facts_of or facts(path))


def write(manifest: Manifest) -> None:
    for kind in TYPES:
        for encoding in ("raw", "gzip", "ascii"):
            put(manifest, f"{kind}-{encoding}.nrrd", values(kind, (5, 4, 3)), {**SPACE, "encoding": encoding})
    for endian in ("little", "big"):
        put(manifest, f"{endian}.nrrd", values("i2", (5, 4, 3)), {**SPACE, "encoding": "raw", "endian": endian})
    none = [np.nan] * 3
    first = {**SPACE, "space directions": np.array([none, *SPACE["space directions"]]), "kinds": ["vector"] + ["domain"] * 3}
    last = {**SPACE, "space directions": np.array([*SPACE["space directions"], none]), "kinds": ["domain"] * 3 + ["list"]}
    put(manifest, "channels-first.nrrd", values("f4", (2, 5, 4, 3)), first)
    put(manifest, "channels-last.nrrd", values("f4", (5, 4, 3, 2)), last)
    put(manifest, "flat.nrrd", values("u1", (7, 5)), {"spacings": [0.5, 2]})
    put(manifest, "detached.nhdr", values("u2", (5, 4, 3)), dict(SPACE))
    data = values("u2", (5, 4, 3))
    little = data.astype("<u2").tobytes("F")
    space = [
        "space: left-posterior-superior",
        "space directions: (0.8,0,0) (0,1.1,0) (0,0,3)",
        "space origin: (-12.5,30,7.25)",
        "kinds: domain domain domain",
    ]
    base = ["type: uint16", "dimension: 3", "sizes: 5 4 3", "endian: little", *space]
    whole = {
        "dims": [5, 4, 3],
        "stored_dtype": "uint16",
        "header": {**SPACE},
        "sha256": sha256(data, "F"),
    }
    by_hand(manifest, "byte-skip.nrrd", [*base, "encoding: raw", "byte skip: 17"], b"x" * 17 + little, whole)
    by_hand(manifest, "byte-skip-end.nrrd", [*base, "encoding: raw", "byte skip: -1"], b"junk" * 5 + little, whole)
    by_hand(manifest, "line-skip.nrrd", [*base, "encoding: raw", "line skip: 2"], b"one\ntwo\n" + little, whole)
    packed = gzip.compress(b"y" * 9 + little)
    by_hand(manifest, "packed-skip.nrrd", [*base, "encoding: gzip", "byte skip: 9"], packed, whole)
    by_hand(manifest, "hex.nrrd", [*base, "encoding: hex"], little.hex().encode() + b"\n", whole)
    by_hand(manifest, "comments.nrrd", ["# a comment", *base, "encoding: raw", "key:=a value: with a colon"], little, whole)
    ras = [line for line in base if not line.startswith("space")]
    ras += [
        "space: RAS",
        "space directions: (-0.8,0,0) (0,-1.1,0) (0,0,3)",
        "space origin: (12.5,-30,7.25)",
        "encoding: raw",
    ]
    by_hand(manifest, "ras.nrrd", ras, little, whole)
    slices = data.astype(">u2")
    names = []
    for z in range(3):
        name = f"list-{z}.raw"
        manifest.path(f"nrrd/{name}").write_bytes(slices[:, :, z].tobytes("F"))
        names.append(name)
    big = [line.replace("little", "big") for line in base]
    text = "\n".join(["NRRD0005", *big, "encoding: raw", "data file: LIST 2", *names, ""])
    manifest.path("nrrd/list.nhdr").write_text(text)
    manifest.add("nrrd/list.nhdr", whole)
    text = "\n".join(["NRRD0005", *big, "encoding: raw", "data file: list-%d.raw 0 2 1", "", ""])
    manifest.path("nrrd/pattern.nhdr").write_text(text)
    manifest.add("nrrd/pattern.nhdr", whole)
