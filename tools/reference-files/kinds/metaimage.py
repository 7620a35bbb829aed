"""MetaImage headers made by hand: types, byte orders, channels, and data in other files."""

import zlib

import numpy as np

from manifest import Manifest, sha256

from .nifti import TYPES, values

NAMES = {
    "u1": "MET_UCHAR", "i1": "MET_CHAR", "u2": "MET_USHORT", "i2": "MET_SHORT", "u4": "MET_UINT",
    "i4": "MET_INT", "u8": "MET_ULONG_LONG", "i8": "MET_LONG_LONG", "f4": "MET_FLOAT", "f8": "MET_DOUBLE",
}  # fmt: skip
HEADER = {"TransformMatrix": "0.8 0.6 0 -0.6 0.8 0 0 0 1", "Offset": "-12.5 30 7.25", "ElementSpacing": "0.8 1.1 3"}


def write(manifest: Manifest) -> None:
    for kind in TYPES:
        for msb in (False, True):
            for channels in (1, 3):
                data = values(kind, (channels, 5, 4, 3))
                raw = data.astype(data.dtype.newbyteorder(">" if msb else "<")).tobytes("F")
                packed = zlib.compress(raw)
                for word, body in (("raw", raw), ("zlib", packed)):
                    name = f"{kind}-{'big' if msb else 'little'}-{channels}-{word}"
                    put(manifest, name, kind, data, body, msb, channels, word == "zlib")
    lists(manifest)


def head(kind: str, msb: bool, channels: int, packed: int | None, where: str) -> bytes:
    lines = ["ObjectType = Image", "NDims = 3", "BinaryData = True", f"BinaryDataByteOrderMSB = {msb}"]
    if packed is not None:
        lines += ["CompressedData = True", f"CompressedDataSize = {packed}"]
    lines += [f"{name} = {value}" for name, value in HEADER.items()]
    lines += ["DimSize = 5 4 3"]
    if channels > 1:
        lines += [f"ElementNumberOfChannels = {channels}"]
    return "\n".join([*lines, f"ElementType = {NAMES[kind]}", f"ElementDataFile = {where}", ""]).encode()


def put(manifest, name, kind, data, body, msb, channels, packed) -> None:
    size = len(body) if packed else None
    manifest.path(f"metaimage/{name}.mha").write_bytes(head(kind, msb, channels, size, "LOCAL") + body)
    ending = "zraw" if packed else "raw"
    manifest.path(f"metaimage/{name}.mhd").write_bytes(head(kind, msb, channels, size, f"{name}.{ending}"))
    manifest.path(f"metaimage/{name}.{ending}").write_bytes(body)
    facts = {
        "dims": [5, 4, 3],
        "channels": channels,
        "stored_dtype": str(np.dtype(kind)),
        "header": HEADER,
        "sha256": sha256(data, "F"),
    }
    for file in (f"{name}.mha", f"{name}.mhd"):
        manifest.add(f"metaimage/{file}", facts)


def lists(manifest: Manifest) -> None:
    data = values("i2", (5, 4, 3))
    names = []
    for z in range(3):
        name = f"slice{z + 1:03}.raw"
        manifest.path(f"metaimage/{name}").write_bytes(data[:, :, z].tobytes("F"))
        names.append(name)
    facts = {"dims": [5, 4, 3], "channels": 1, "stored_dtype": "int16", "header": HEADER, "sha256": sha256(data, "F")}
    manifest.path("metaimage/list.mhd").write_bytes(head("i2", False, 1, None, "LIST") + "\n".join(names).encode() + b"\n")
    manifest.path("metaimage/pattern.mhd").write_bytes(head("i2", False, 1, None, "slice%03d.raw 1 3 1"))
    for name in ("list.mhd", "pattern.mhd"):
        manifest.add(f"metaimage/{name}", facts)
