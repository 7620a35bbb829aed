"""Writes DICOM segmentations whose frames do not end at a byte, by pydicom's own packing of bits.

Each file lies beside the labels that it was made of (.npy).
"""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.pixels import pack_bits
from pydicom.uid import ExplicitVRLittleEndian

from versions import record

out = Path(__file__).resolve().parents[2] / "packages/io/test/golden"
STEP = 2.5


def group(**fields):
    item = Dataset()
    for name, value in fields.items():
        setattr(item, name, value)
    return item


def segmentation(labels):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    slices, rows, columns = labels.shape
    frames, groups = [], []
    for segment in (1, 2):
        for z in range(slices):
            frames.append((labels[z] == segment).astype(np.uint8))
            place = group(ImagePositionPatient=[46.4649, 5.01881, -177.75 + STEP * z])
            groups.append(
                group(
                    PlanePositionSequence=[place],
                    SegmentIdentificationSequence=[group(ReferencedSegmentNumber=segment)],
                )
            )
    image.SOPClassUID, image.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    image.Modality, image.SegmentationType = "SEG", "BINARY"
    image.SegmentSequence = [group(SegmentNumber=n, SegmentLabel=f"segment {n}") for n in (1, 2)]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.NumberOfFrames, image.Rows, image.Columns = len(frames), rows, columns
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 1, 1, 0, 0
    shared = group(
        PixelMeasuresSequence=[group(PixelSpacing=[0.7, 0.6], SliceThickness=STEP, SpacingBetweenSlices=STEP)],
        PlaneOrientationSequence=[group(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
    )
    image.SharedFunctionalGroupsSequence = [shared]
    image.PerFrameFunctionalGroupsSequence = groups
    image.PixelData = pack_bits(np.stack(frames))
    return image


random = np.random.default_rng(13)
for columns in (23, 24):
    labels = random.integers(0, 3, size=(3, 38, columns)).astype(np.uint8)
    name = f"segmentation-{columns}x38x3"
    segmentation(labels).save_as(out / f"{name}.dcm", enforce_file_format=True)
    np.save(out / f"{name}.npy", labels)
    for ending in ("dcm", "npy"):
        record(out / f"{name}.{ending}", *(["pydicom"] if ending == "dcm" else []), "numpy")
