"""Writes files of many kinds, with a manifest of what the Python readers say of each, for main.mjs:

    python generate.py FOLDER

nibabel, pynrrd, Pillow, pydicom, numpy and pickle write what they can; headers that they do not write are
made by hand, and read back by them where they read such files. The facts have the names of the manifest of
the shared corpus.
"""

import sys
from pathlib import Path

from kinds import arrays, dicom, metaimage, nifti, nrrd_files, pictures
from manifest import Manifest

folder = Path(sys.argv[1])
manifest = Manifest(folder)
for kind in (nifti, nrrd_files, metaimage, pictures, arrays, dicom):
    kind.write(manifest)
manifest.save()
print(f"{len(manifest.files)} files in {folder}")
