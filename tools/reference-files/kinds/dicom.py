"""DICOM files as pydicom writes them: types, transfer syntaxes, several frames, segmentations and a series."""

import numpy as np
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.pixels import pack_bits
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from manifest import Manifest, sha256

from .nifti import values

CT = UID("1.2.840.10008.5.1.4.1.1.2")
ENHANCED = UID("1.2.840.10008.5.1.4.1.1.2.1")
SEGMENTATION = UID("1.2.840.10008.5.1.4.1.1.66.4")
LABELMAP = UID("1.2.840.10008.5.1.4.1.1.66.7")
RIGHT, DOWN = [0.8, 0.6, 0.0], [-0.6, 0.8, 0.0]


def new(sop: UID, syntax: UID, number: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop
    meta.MediaStorageSOPInstanceUID = UID(f"1.2.826.0.1.3680043.10.1.{number}")
    meta.TransferSyntaxUID = syntax
    little, implicit = not syntax == ExplicitVRBigEndian, syntax == ImplicitVRLittleEndian
    made = FileDataset("", {}, b"\0" * 128, meta, implicit, little)
    made.SOPClassUID, made.SOPInstanceUID = sop, meta.MediaStorageSOPInstanceUID
    made.SeriesInstanceUID, made.StudyInstanceUID = UID("1.2.3.4"), UID("1.2.3")
    made.Modality = "CT"
    made.PatientName, made.PatientID = "A^B", "1"
    return made


def pixels(made: FileDataset, data: np.ndarray, frames: bool = False) -> None:
    made.Rows, made.Columns = data.shape[1 if frames else 0 :][:2]
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 8 * data.dtype.itemsize
    made.HighBit = made.BitsAllocated - 1
    made.PixelRepresentation = int(data.dtype.kind == "i")
    if frames:
        made.NumberOfFrames = data.shape[0]
    swapped = made.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    raw = data.astype(data.dtype.newbyteorder(">" if swapped else "<")).tobytes()
    made.PixelData = raw + b"\0" * (len(raw) % 2)
    made["PixelData"].VR = "OB" if data.dtype.itemsize == 1 and not swapped else "OW"


def place(made: Dataset, position: list[float]) -> None:
    made.ImagePositionPatient = position
    made.ImageOrientationPatient = [*RIGHT, *DOWN]
    made.PixelSpacing = [1.1, 0.8]


def save(manifest: Manifest, name: str, made: FileDataset, data: np.ndarray | None = None, **facts) -> None:
    path = manifest.path(name)
    dcmwrite(path, made, enforce_file_format=True)
    read = dcmread(path)
    array = read.pixel_array if data is None else data
    held = {
        "transfer_syntax_name": read.file_meta.TransferSyntaxUID.name,
        "array_dims": list(array.shape),
        "dtype": str(array.dtype.newbyteorder("=")),
        "image_position_LPS": facts.get("position"),
        "image_orientation_LPS": [*RIGHT, *DOWN] if facts.get("position") else None,
        "pixel_spacing_row_col": [1.1, 0.8],
        "sha256": sha256(array),
    }
    manifest.add(name, {**held, **{key: value for key, value in facts.items() if key != "position"}})


def write(manifest: Manifest) -> None:
    number = 1
    for kind in ("u1", "i1", "u2", "i2", "u4", "i4"):
        for syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
            made = new(CT, syntax, number := number + 1)
            place(made, [-12.5, 30.0, 7.25])
            made.RescaleSlope, made.RescaleIntercept = "2.5", "-1024"
            pixels(made, values(kind, (7, 5)))
            word = syntax.name.replace(" ", "-").lower()
            facts = {"rescale_slope": 2.5, "rescale_intercept": -1024, "position": [-12.5, 30.0, 7.25]}
            save(manifest, f"dicom/{kind}-{word}.dcm", made, **facts)
    for kind in ("u1", "u2", "i2"):
        made = new(CT, ExplicitVRLittleEndian, number := number + 1)
        place(made, [0.0, 0.0, 0.0])
        pixels(made, values(kind, (33, 21)) // 40)
        made.compress(RLELossless)
        save(manifest, f"dicom/{kind}-rle.dcm", made, position=[0.0, 0.0, 0.0])
    for word, packed in (("native", False), ("rle", True)):
        save_enhanced(manifest, word, packed, number := number + 1)
    segmentations(manifest, number)
    series(manifest)


def measures() -> Dataset:
    item = Dataset()
    item.PixelSpacing, item.SliceThickness = [1.1, 0.8], 2.5
    return item


def groups(made: Dataset, heights: list[float], segments: list[int] | None = None) -> None:
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([measures()])
    turned = Dataset()
    turned.ImageOrientationPatient = [*RIGHT, *DOWN]
    shared.PlaneOrientationSequence = Sequence([turned])
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    items = []
    for frame, height in enumerate(heights):
        item, position = Dataset(), Dataset()
        position.ImagePositionPatient = [-12.5, 30.0, height]
        item.PlanePositionSequence = Sequence([position])
        if segments:
            named = Dataset()
            named.ReferencedSegmentNumber = segments[frame]
            item.SegmentIdentificationSequence = Sequence([named])
        items.append(item)
    made.PerFrameFunctionalGroupsSequence = Sequence(items)


def save_enhanced(manifest: Manifest, word: str, packed: bool, number: int) -> None:
    made = new(ENHANCED, ExplicitVRLittleEndian, number)
    data = values("u2", (4, 7, 5)) // 10
    pixels(made, data, frames=True)
    groups(made, [0.0, 2.5, 5.0, 7.5])
    transform = Dataset()
    transform.RescaleSlope, transform.RescaleIntercept, transform.RescaleType = "1", "-1024", "HU"
    made.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence = Sequence([transform])
    if packed:
        made.compress(RLELossless)
    facts = {"functional_group_rescale": {"slope": 1.0, "intercept": -1024.0}, "position": [-12.5, 30.0, 0.0]}
    save(manifest, f"dicom/enhanced-{word}.dcm", made, **facts)


def segmentation(sop: UID, number: int, names: dict[int, str], kind: str) -> FileDataset:
    made = new(sop, ExplicitVRLittleEndian, number)
    made.Modality = "SEG"
    made.SegmentationType = kind
    items = []
    for label, name in names.items():
        item = Dataset()
        item.SegmentNumber, item.SegmentLabel = label, name
        items.append(item)
    made.SegmentSequence = Sequence(items)
    return made


def segmentations(manifest: Manifest, number: int) -> None:
    names = {1: "liver", 2: "spleen"}
    described = [{"number": label, "label": name} for label, name in names.items()]
    first = [[-12.5, 30.0, 0.0], [-12.5, 30.0, 5.0]]
    for word, overlap in (("apart", False), ("overlapping", True)):
        masks = np.stack([values("u1", (3, 7, 5)) % 3 == 1, values("u1", (3, 7, 5)) % 3 == 2])
        if overlap:
            masks[1, 0, 0, 0] = masks[0, 0, 0, 0] = True
        frames = masks.reshape(6, 7, 5).astype("u1")
        made = segmentation(SEGMENTATION, number := number + 1, names, "BINARY")
        pixels(made, frames, frames=True)
        made.BitsAllocated = made.BitsStored = 1
        made.HighBit = 0
        made.PixelData = pack_bits(frames)
        made["PixelData"].VR = "OB"
        groups(made, [0.0, 2.5, 5.0] * 2, [1, 1, 1, 2, 2, 2])
        facts = {
            "segmentation_type": "BINARY",
            "voxels_per_segment": {"1": int(masks[0].sum()), "2": int(masks[1].sum())},
            "segments": described,
            "positions_first_last": first,
        }
        save(manifest, f"dicom-seg/binary-{word}.dcm", made, frames, **facts)
    for most, word in ((255, "probability"), (200, "occupancy")):
        frames = np.minimum(values("u1", (6, 7, 5)), most).astype("u1")
        made = segmentation(SEGMENTATION, number := number + 1, names, "FRACTIONAL")
        pixels(made, frames, frames=True)
        made.SegmentationFractionalType, made.MaximumFractionalValue = word.upper(), most
        groups(made, [0.0, 2.5, 5.0] * 2, [1, 1, 1, 2, 2, 2])
        halves = frames.reshape(2, -1)
        facts = {
            "segmentation_type": "FRACTIONAL",
            "max_fractional": most,
            "voxels_per_segment": {"1": int((halves[0] > 0).sum()), "2": int((halves[1] > 0).sum())},
            "segments": described,
            "positions_first_last": first,
        }
        save(manifest, f"dicom-seg/fractional-{word}.dcm", made, frames, **facts)
    for kind in ("u1", "u2"):
        labels = values(kind, (3, 7, 5)) % 3
        made = segmentation(LABELMAP, number := number + 1, names, "LABELMAP")
        pixels(made, labels, frames=True)
        groups(made, [0.0, 2.5, 5.0])
        facts = {
            "segmentation_type": "LABELMAP",
            "voxels_per_segment": {str(label): int((labels == label).sum()) for label in (1, 2)},
            "segments": described,
            "positions_first_last": first,
        }
        save(manifest, f"dicom-seg/labelmap-{kind}.dcm", made, labels, **facts)


def series(manifest: Manifest) -> None:
    """Slices whose names and numbers run against their places."""
    data = values("i2", (6, 7, 5))
    order = []
    for z in range(6):
        made = new(CT, ExplicitVRLittleEndian, 900 + z)
        place(made, [-12.5, 30.0, 2.5 * z])
        made.InstanceNumber, made.SliceThickness = 6 - z, "5"
        pixels(made, data[z])
        name = f"IM{(z * 5 + 3) % 6:03}"
        made.save_as(manifest.path(f"dicom-series/shuffled/{name}"), enforce_file_format=True)
        order.append(name)
    manifest.series["shuffled"] = {
        "files": 6,
        "rows": 7,
        "columns": 5,
        "order": order,
        "slice_spacing_median": 2.5,
        "normal_LPS": [0.0, 0.0, 1.0],
        "first_position_LPS": [-12.5, 30.0, 0.0],
        "same_orientation": True,
        "stored_dtype": "int16",
        "sha256": sha256(data),
    }
