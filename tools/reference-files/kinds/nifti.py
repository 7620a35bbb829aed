"""NIfTI files as nibabel writes them: types, byte orders, versions, pairs, forms and units."""

import gzip

import nibabel as nib
import numpy as np

from manifest import Manifest, sha256

TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]
turn = np.array([[0.8, -0.6, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
oblique = turn @ np.diag([0.8, 1.1, 3, 1])
oblique[:3, 3] = [-12.5, 30, 7.25]


def values(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    count = int(np.prod(shape))
    return (np.arange(count) * 37 % 251).reshape(shape, order="F").astype(dtype)


def facts(path) -> dict:
    image = nib.load(path)
    header = image.header
    raw = np.asanyarray(image.dataobj.get_unscaled() if hasattr(image.dataobj, "get_unscaled") else image.dataobj)
    slope, inter = header.get_slope_inter() if hasattr(header, "get_slope_inter") else (None, None)
    return {
        "dims": list(image.shape),
        "stored_dtype": str(raw.dtype.newbyteorder("=")),
        "zooms": [float(size) for size in header.get_zooms()],
        "affine_RAS": image.affine.tolist(),
        "units": list(header.get_xyzt_units()),
        "qform_code": int(header["qform_code"]),
        "sform_code": int(header["sform_code"]),
        "slope": slope,
        "inter": 0 if slope is not None and inter is None else inter,
        "sha256": sha256(raw, "F"),
    }


def put(manifest: Manifest, name: str, image) -> None:
    path = manifest.path(f"nifti/{name}")
    nib.save(image, path)
    manifest.add(f"nifti/{name}", facts(path))


def made(cls, data, affine=oblique, endian="<", codes=(1, 1), units="mm", slope=None):
    header = cls.header_class(endianness=endian)
    header.set_data_dtype(data.dtype.newbyteorder(endian))
    image = cls(data, affine, header)
    image.header.set_xyzt_units(units)
    image.set_sform(affine, codes[1])
    image.set_qform(affine, codes[0], strip_shears=True)
    if slope:
        image.header.set_slope_inter(*slope)
    return image


def write(manifest: Manifest) -> None:
    one, two, pair = nib.Nifti1Image, nib.Nifti2Image, nib.Nifti1Pair
    for kind in TYPES:
        for endian, word in (("<", "little"), (">", "big")):
            data = values(kind, (5, 4, 3))
            put(manifest, f"{kind}-{word}.nii", made(one, data, endian=endian))
            put(manifest, f"{kind}-{word}-2.nii.gz", made(two, data, endian=endian))
    for endian, word in (("<", "little"), (">", "big")):
        put(manifest, f"pair-{word}.img", made(pair, values("i2", (5, 4, 3)), endian=endian))
        put(manifest, f"pair2-{word}.img", made(nib.Nifti2Pair, values("f4", (5, 4, 3)), endian=endian))
        put(manifest, f"packed-{word}.img.gz", made(pair, values("u2", (6, 5, 4)), endian=endian))
        for name in (f"pair-{word}.hdr", f"packed-{word}.hdr.gz"):
            manifest.add(f"nifti/{name}", facts(manifest.path(f"nifti/{name}")))
    shapes = {"one": (7,), "flat": (7, 5), "slice": (7, 5, 1), "row": (7, 1, 1), "classes": (5, 4, 3, 2), "single": (5, 4, 3, 1)}
    for word, shape in shapes.items():
        put(manifest, f"{word}.nii.gz", made(one, values("f4", shape)))
    vector = made(one, values("f4", (5, 4, 3, 1, 3)))
    vector.header.set_intent("vector")
    put(manifest, "vector.nii.gz", vector)
    data = values("i2", (5, 4, 3))
    for codes in ((1, 0), (0, 1), (2, 4), (4, 2)):
        put(manifest, f"codes-{codes[0]}-{codes[1]}.nii.gz", made(one, data, codes=codes))
    for units in ("meter", "micron", "unknown"):
        put(manifest, f"{units}.nii.gz", made(one, data, units=units))
    flips = {"x": [-1, 1, 1, 1], "y": [1, -1, 1, 1], "z": [1, 1, -1, 1], "all": [-1, -1, -1, 1]}
    for word, signs in flips.items():
        for codes in ((1, 0), (1, 1)):
            put(manifest, f"flipped-{word}-{codes[1]}.nii.gz", made(one, data, oblique @ np.diag(signs), codes=codes))
    axes = np.array([[0, 0, 2, 1], [3, 0, 0, 2], [0, 4, 0, 3], [0, 0, 0, 1.0]])
    put(manifest, "swapped.nii.gz", made(one, data, axes))
    shear = oblique.copy()
    shear[0, 2] = 0.7
    put(manifest, "sheared.nii.gz", made(one, data, shear, codes=(0, 2)))
    for half in (np.diag([-1, -1, 1, 1.0]), np.diag([-1, 1, -1, 1.0]), np.diag([1, -1, -1, 1.0])):
        word = "".join("-" if sign < 0 else "+" for sign in np.diag(half)[:3])
        put(manifest, f"half-turn{word}.nii.gz", made(one, data, half, codes=(1, 0)))
    put(manifest, "scaled.nii.gz", made(one, data, slope=(0.25, -1024)))
    colours = np.zeros((5, 4, 3), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    for step, name in enumerate("RGB"):
        colours[name] = values("u1", (5, 4, 3)) + step
    put(manifest, "rgb.nii.gz", made(one, colours))
    extended = made(one, data)
    extended.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"a comment of some length"))
    put(manifest, "extended.nii.gz", extended)
    members(manifest)


def members(manifest: Manifest) -> None:
    """A file of several gzip members, as bgzip and parallel packers write them."""
    plain = manifest.path("nifti/plain.nii")
    nib.save(made(nib.Nifti1Image, values("i2", (9, 8, 7))), plain)
    raw = plain.read_bytes()
    parts = [raw[:100], raw[100:500], b"", raw[500:]]
    manifest.path("nifti/members.nii.gz").write_bytes(b"".join(gzip.compress(part) for part in parts))
    manifest.add("nifti/plain.nii", facts(plain))
    manifest.add("nifti/members.nii.gz", facts(plain))
