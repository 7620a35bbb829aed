"""PNG and TIFF files as Pillow writes them."""

import numpy as np
from PIL import Image, TiffImagePlugin

from manifest import Manifest, sha256

from .nifti import values


def put(manifest: Manifest, name: str, image: Image.Image, **options) -> None:
    path = manifest.path(f"png/{name}.png")
    image.save(path, **options)
    with Image.open(path) as read:
        data = np.asarray(read)
        mode = read.mode
    palette = None if mode != "P" else len(image.getpalette()) // 3
    data = data.astype(np.uint8) * 255 if mode == "1" else data
    facts = {"dims": list(data.shape), "dtype": str(data.dtype), "mode": mode, "palette_entries": palette, "sha256": sha256(data)}
    manifest.add(f"png/{name}.png", facts)


def write(manifest: Manifest) -> None:
    for classes, bits in ((2, 1), (4, 2), (16, 4), (200, 8)):
        image = Image.fromarray(values("u1", (13, 17)) % classes, "P")
        image.putpalette([channel for label in range(classes) for channel in (label, 255 - label, 7 * label % 256)])
        put(manifest, f"palette-{bits}", image, bits=bits)
    put(manifest, "grey-8", Image.fromarray(values("u1", (13, 17))))
    put(manifest, "grey-16", Image.fromarray(values("u2", (13, 17)) * 260))
    put(manifest, "bits", Image.fromarray(values("u1", (13, 17)) > 100))
    put(manifest, "grey-alpha", Image.fromarray(values("u1", (13, 17, 2)), "LA"))
    put(manifest, "rgb", Image.fromarray(values("u1", (13, 17, 3))))
    put(manifest, "rgba", Image.fromarray(values("u1", (13, 17, 4))))
    put(manifest, "best", Image.fromarray(values("u1", (64, 65))), optimize=True)
    for compression in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        for kind in ("u1", "u2", "f4", "i4"):
            data = values(kind, (3, 13, 17))
            pages = [Image.fromarray(page) for page in data]
            name = f"tiff/{kind}-{compression or 'plain'}.tif"
            pages[0].save(manifest.path(name), save_all=True, append_images=pages[1:], compression=compression)
            manifest.add(name, {"dims": list(data.shape), "dtype": str(data.dtype), "sha256": sha256(data)})
    # ImageJ's: slices of 2.5 mm and pixels of 0.5 x 0.5 mm.
    data = values("u2", (4, 9, 11))
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270] = "ImageJ=1.53t\nimages=4\nslices=4\nunit=mm\nspacing=2.5\nloop=false\n"
    tags[282], tags[283], tags[296] = 2.0, 2.0, 1
    pages = [Image.fromarray(page) for page in data]
    name = "tiff/imagej.tif"
    pages[0].save(manifest.path(name), save_all=True, append_images=pages[1:], tiffinfo=tags)
    manifest.add(name, {"dims": list(data.shape), "dtype": "uint16", "spacing": [0.5, 0.5, 2.5], "sha256": sha256(data)})
