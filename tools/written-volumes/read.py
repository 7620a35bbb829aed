"""Reads the files of check.mjs with the field's own libraries and compares values, shapes, affines and names.

Run: read.py FOLDER. Prints a line a reader; the exit code is 1 if any disagrees.
"""

import hashlib
import importlib
import json
import pathlib
import shutil
import subprocess
import sys
import zlib

import numpy as np

FOLDER = pathlib.Path(sys.argv[1])
EXPECTED = json.loads((FOLDER / "expected.json").read_text())


def find(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


nibabel, nrrd, pillow, sitk = find("nibabel"), find("nrrd"), find("PIL.Image"), find("SimpleITK")
pydicom = find("pydicom")


def by_nibabel(path):
    image = nibabel.load(path)
    data = np.asanyarray(image.dataobj)
    if data.ndim == 5:
        data = data[:, :, :, 0]
    slope, inter = image.header.get_slope_inter()
    assert slope in (None, 1) and inter in (None, 0), (slope, inter)
    qform, code = image.get_qform(coded=True)
    assert code > 0 and np.allclose(qform, image.affine, atol=1e-4), (qform, image.affine)
    assert str(image.header["descrip"].astype(str)).startswith("PixelCal")
    text = b"".join(extension.content for extension in image.header.extensions).decode()
    return data, image.affine[:3], None if "<Label " not in text else text


def by_pynrrd(path):
    data, header = nrrd.read(str(path))
    directions = np.array([row for row in header["space directions"] if row is not None and not np.isnan(row).any()])
    affine = np.column_stack([directions.T, header["space origin"]]) * np.array([[-1], [-1], [1]])
    names = " ".join(str(value) for key, value in header.items() if key.endswith("_Name"))
    return data, affine, names or None


def by_pillow(path):
    return np.asarray(pillow.open(path)).T, None, None


def by_simpleitk(path):
    image = sitk.ReadImage(str(path))
    array = sitk.GetArrayFromImage(image)
    vector = image.GetNumberOfComponentsPerPixel() > 1
    data = np.moveaxis(array, -1, 0).transpose() if vector else array.transpose()
    dim = image.GetDimension()
    if dim > 3:
        return data, None, None
    columns = np.array(image.GetDirection()).reshape(dim, dim) * np.array(image.GetSpacing())
    affine = np.column_stack([columns, image.GetOrigin()]) * np.array([-1, -1, 1][:dim])[:, None]
    return data, affine if dim == 3 else None, None


def by_pydicom(path):
    image = pydicom.dcmread(path)
    shared = image.SharedFunctionalGroupsSequence[0]
    down, right = (float(size) for size in shared.PixelMeasuresSequence[0].PixelSpacing)
    turned = [float(part) for part in shared.PlaneOrientationSequence[0].ImageOrientationPatient]
    groups = image.PerFrameFunctionalGroupsSequence
    places = [tuple(float(part) for part in group.PlanePositionSequence[0].ImagePositionPatient) for group in groups]
    normal = np.cross(turned[:3], turned[3:])
    order = sorted(set(places), key=lambda place: np.dot(place, normal))
    binary = image.SegmentationType == "BINARY"
    # Binary frames have no type of labels: that of the numbers of segments is wide enough for all.
    labels = np.zeros((len(order), image.Rows, image.Columns), np.uint16 if binary else image.pixel_array.dtype)
    for frame, place, group in zip(image.pixel_array, places, groups):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber if binary else 1
        labels[order.index(place)] += frame.astype(labels.dtype) * np.array(number, labels.dtype)
    step = np.subtract(order[1], order[0])
    columns = np.column_stack([np.multiply(turned[:3], right), np.multiply(turned[3:], down), step, order[0]])
    names = " ".join(str(segment.SegmentLabel) for segment in image.SegmentSequence)
    return labels.transpose(), columns * np.array([[-1], [-1], [1]]), names


METAIMAGE = {"MET_UCHAR": "u1", "MET_SHORT": "<i2", "MET_USHORT": "<u2", "MET_FLOAT": "<f4"}


def by_hand(path):
    """Reads a MetaImage: lines of text, then the packed voxels with their channels side by side."""
    head, _, body = path.read_bytes().partition(b"ElementDataFile = LOCAL\n")
    fields = dict(line.split(" = ", 1) for line in head.decode().splitlines())
    assert fields["BinaryDataByteOrderMSB"] == "False"
    assert len(body) == int(fields["CompressedDataSize"])
    sizes = [int(size) for size in fields["DimSize"].split()]
    channels = int(fields.get("ElementNumberOfChannels", 1))
    data = np.frombuffer(zlib.decompress(body), METAIMAGE[fields["ElementType"]])
    data = np.moveaxis(data.reshape([channels, *sizes], order="F"), 0, -1)
    numbers = {name: [float(part) for part in fields[name].split()] for name in ("TransformMatrix", "ElementSpacing", "Offset")}
    columns = np.reshape(numbers["TransformMatrix"], (3, 3)).T * numbers["ElementSpacing"]
    affine = np.column_stack([columns, numbers["Offset"]]) * np.array([[-1], [-1], [1]])
    return data if channels > 1 else data[..., 0], affine, None


def by_numpy(path):
    """Reads the array of an NPY file, or `probabilities` of an NPZ archive, slowest axis first."""
    loaded = np.load(path)
    data = loaded if path.suffix == ".npy" else loaded["probabilities"]
    return data.transpose(), None, None


READERS = [
    ("MetaImage by hand", np, by_hand, (".mha",)),
    ("numpy", np, by_numpy, (".npy", ".npz")),
    ("nibabel", nibabel, by_nibabel, (".nii", ".nii.gz")),
    ("pynrrd", nrrd, by_pynrrd, (".nrrd",)),
    ("Pillow", pillow, by_pillow, (".png",)),
    ("pydicom", pydicom, by_pydicom, (".dcm",)),
    ("SimpleITK", sitk, by_simpleitk, (".nii", ".nii.gz", ".nrrd", ".mha", ".png")),
]


def differences(entry, reader):
    data, affine, names = reader(FOLDER / entry["name"])
    if entry["name"].startswith("binary"):
        data = data.astype(entry["type"])
    found = []
    if list(data.shape) != entry["shape"]:
        found.append(f"shape {list(data.shape)}, not {entry['shape']}")
    if data.dtype.newbyteorder("=") != np.dtype(entry["type"]):
        found.append(f"type {data.dtype}, not {entry['type']}")
    if hashlib.sha256(np.asfortranarray(data).tobytes(order="F")).hexdigest() != entry["sha256"]:
        found.append("other values")
    if affine is not None and entry["affine"] is not None:
        wanted = np.array(entry["affine"])
        if not np.allclose(affine, wanted, rtol=2e-7, atol=1e-5):
            found.append(f"affine {affine.tolist()}, not {wanted.tolist()}")
    for name in (entry["names"] or {}).values():
        if names is not None and name not in names.replace("&amp;", "&"):
            found.append(f"no name {name}")
    return found


failed = False
for title, module, reader, endings in READERS:
    files = [entry for entry in EXPECTED if entry["name"].endswith(endings)]
    if module is None:
        print(f"{title}: missing, {len(files)} files not read")
        continue
    wrong = {entry["name"]: differences(entry, reader) for entry in files}
    wrong = {name: found for name, found in wrong.items() if found}
    version = getattr(module, "__version__", "")
    print(f"{title} {version}: {len(files) - len(wrong)} of {len(files)} files as written")
    for name, found in wrong.items():
        print(f"  {name}: {'; '.join(found)}")
    failed = failed or bool(wrong)
binary = FOLDER / "binary.dcm"
if shutil.which("dciodvfy") is None:
    print("dciodvfy: missing, modules of DICOM segmentations not checked")
else:
    # It knows no label maps, which are younger.
    found = subprocess.run(["dciodvfy", binary], capture_output=True, text=True, check=False)
    errors = [line for line in found.stderr.splitlines() if "Error" in line]
    print(f"dciodvfy: {len(errors)} errors in {binary.name}")
    for line in errors:
        print(f"  {line}")
    failed = failed or bool(errors)
sys.exit(1 if failed else 0)
