"""The peers' side of benchmarks/kernels.mjs.

Started with {"threads", "edt", "libraries": [...]}; answers with the version of every peer found. Then
{"prepare": {op, options, files}} answers {"check": number}, {"run": milliseconds} the milliseconds of each call, as many
as fit (at least one). The authors' functions are written from the formulas of their paper and repository (pECE, ECE, CECE,
HD95, signed distance, adaptive target) with the same library calls in the same order.
"""

import ctypes
import ctypes.util
import importlib
import importlib.metadata
import json
import sys
import time

import numpy as np

START = json.loads(sys.stdin.readline())
THREADS = START["threads"]
DTYPES = {"Uint8Array": np.uint8, "BigInt64Array": np.int64, "Float32Array": np.float32}
VERSIONS = {}


def find(name, module, distribution=None):
    try:
        found = importlib.import_module(module)
        package = importlib.import_module(module.split(".")[0])
        VERSIONS[name] = getattr(package, "__version__", None) or importlib.metadata.version(distribution)
        return found
    except ImportError:
        return None


ndimage = find("SciPy", "scipy.ndimage")
cv2 = find("OpenCV", "cv2")
torch = find("PyTorch", "torch")
torchmetrics = find("torchmetrics", "torchmetrics")
monai = find("MONAI", "monai.metrics")
cc3d = find("cc3d", "cc3d", "connected-components-3d")
deepmind = find("surface-distance", "surface_distance", "surface-distance")
if cv2:
    cv2.setNumThreads(THREADS)
if torch:
    torch.set_num_threads(THREADS)
if ndimage and cv2:
    VERSIONS["authors' code"] = f"NumPy {np.__version__}, SciPy {VERSIONS['SciPy']}, OpenCV {cv2.__version__}"
elif ndimage:
    VERSIONS["authors' code"] = f"NumPy {np.__version__}, SciPy {VERSIONS['SciPy']}"
if "authors' code" in VERSIONS:
    VERSIONS["authors' code, cropped"] = VERSIONS["authors' code"]
edt = None
if START.get("edt"):
    edt = ctypes.CDLL(START["edt"])
    VERSIONS["edt.hpp"] = START["edtVersion"]
lept_path = ctypes.util.find_library("lept") or ctypes.util.find_library("leptonica")
lept = ctypes.CDLL(lept_path) if lept_path else None
if lept:
    for name in ("getLeptonicaVersion", "pixCreate", "pixGetData", "pixErodeBrick", "pixErodeBrickDwa"):
        getattr(lept, name).restype = ctypes.c_void_p
    VERSIONS["Leptonica"] = ctypes.cast(lept.getLeptonicaVersion(), ctypes.c_char_p).value.decode().split("-")[-1]


def edt_opencv(mask, options):
    out = np.empty(mask.shape, np.float32)
    out.fill(0)
    return lambda: cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE, out)


def edt_scipy(mask, options):
    return lambda: ndimage.distance_transform_edt(mask)


def edt_hpp(function):
    def prepare(mask, options):
        depth, height, width = [1] * (3 - mask.ndim) + list(mask.shape)
        out = np.zeros(mask.shape, np.float32)
        sizes = [ctypes.c_int64(n) for n in (depth, height, width)]

        def call():
            getattr(edt, function)(mask.ctypes, *sizes, ctypes.c_int(THREADS), out.ctypes)
            return out

        return call

    return prepare


def signed_reference(labels, options):
    def call():
        maps = []
        for image in labels:
            for c in range(options["classes"]):
                inside = image == c
                distance = ndimage.distance_transform_edt(~inside) - ndimage.distance_transform_edt(inside)
                distance = distance.astype(np.float32)
                maps.append(distance / (np.abs(distance).max() + 1e-6))
        return np.stack(maps)

    return call


MORPHOLOGY = {} if not cv2 else {
    "erosion": cv2.MORPH_ERODE,
    "dilation": cv2.MORPH_DILATE,
    "opening": cv2.MORPH_OPEN,
    "closing": cv2.MORPH_CLOSE,
    "gradient": cv2.MORPH_GRADIENT,
}


def aggregate(mask, kernel, box):
    if kernel == "mean":
        return cv2.blur(mask.astype(np.float32), (3, 3))
    if kernel == "gaussian":
        return cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 1)
    if kernel == "max":
        return cv2.dilate(mask, box).astype(np.float32)
    padded = np.pad(mask, 1, mode="edge")
    out = np.zeros(mask.shape, np.float32)
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            out[y, x] = padded[y : y + 3, x : x + 3].sum() >= 4.5
    return out


def soft_reference(labels, options):
    box = np.ones((3, 3), np.uint8)

    def slice_maps(image):
        maps = []
        for c in range(options["classes"]):
            mask = (image == c).astype(np.uint8) * 255
            mask = cv2.morphologyEx(mask, MORPHOLOGY[options["morphology"]], box)
            maps.append(aggregate((mask > 0).astype(np.uint8), options["kernel"], box))
        maps = np.stack(maps)
        return maps / np.maximum(maps.sum(0, keepdims=True), 1e-6)

    def call():
        if labels.ndim == 3:
            return np.stack([slice_maps(image) for image in labels])
        return np.stack([np.stack([slice_maps(image) for image in volume], 1) for volume in labels])

    return call


def bins_of(p, hit, false_positive_weight=None):
    """Returns the expected calibration error of equal-width bins (lo, hi], and pECE when a weight is given."""
    edges = np.linspace(0, 1, 11)
    error = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (p > low) & (p <= high)
        if not inside.any():
            continue
        confidence, accuracy = p[inside].mean(), hit[inside].mean()
        gap = confidence - accuracy
        if false_positive_weight is not None:
            wrong = inside & (hit == 0)
            gap = gap + false_positive_weight * (p[wrong].mean() if wrong.any() else 0.0)
        error += inside.sum() / p.size * abs(gap)
    return error


def calibration_reference(arrays, options):
    probs, labels = arrays

    def call():
        foreground, hit = (1 - probs[0]).ravel(), (labels != 0).astype(np.float32).ravel()
        pece = bins_of(foreground, hit, 2.0)
        ece = bins_of(foreground, hit)
        each = []
        for c in range(probs.shape[0]):
            p, y = probs[c].ravel(), (labels == c).astype(np.float32).ravel()
            kept = p > 1e-3
            if kept.any():
                each.append(bins_of(p[kept], y[kept]))
        return np.array([pece, ece, np.mean(each)])

    return call


def calibration_torchmetrics(arrays, options):
    from torchmetrics.functional.classification import binary_calibration_error

    probs, labels = torch.from_numpy(arrays[0]), torch.from_numpy(arrays[1])

    def call():
        error = [binary_calibration_error((1 - probs[0]).ravel(), (labels != 0).long().ravel(), n_bins=10)]
        for c in range(probs.shape[0]):
            error.append(binary_calibration_error(probs[c].ravel(), (labels == c).long().ravel(), n_bins=10))
        return np.array([float(value) for value in error])

    return call


def hd95(a, b):
    box = np.ones((3,) * a.ndim, bool)
    surfaces = [mask ^ ndimage.binary_erosion(mask, box) for mask in (a, b)]
    to = [ndimage.distance_transform_edt(~surface) for surface in surfaces]
    distances = np.concatenate([to[1][surfaces[0]], to[0][surfaces[1]]]).astype(np.float32)
    return np.percentile(distances, 95)


def hd95_reference(arrays, options):
    a, b = (mask != 0 for mask in arrays)
    return lambda: np.array([hd95(a, b)])


def hd95_cropped(arrays, options):
    a, b = (mask != 0 for mask in arrays)

    def call():
        both = a | b
        box = []
        for axis in range(both.ndim):
            used = np.flatnonzero(both.any(axis=tuple(other for other in range(both.ndim) if other != axis)))
            box.append(slice(max(0, used[0] - 1), used[-1] + 2))
        return np.array([hd95(a[tuple(box)], b[tuple(box)])])

    return call


def hd95_monai(arrays, options):
    a, b = (torch.from_numpy(mask)[None, None] for mask in arrays)
    return lambda: monai.compute_hausdorff_distance(a, b, include_background=True, percentile=95).numpy()


def hd95_deepmind(arrays, options):
    a, b = (mask != 0 for mask in arrays)

    def call():
        distances = deepmind.compute_surface_distances(a, b, (1.0,) * a.ndim)
        return np.array([deepmind.compute_robust_hausdorff(distances, 95)])

    return call


def components(label):
    """Returns an operation that labels a mask; label(mask, corners) returns the labels and their number."""

    def prepare(mask, options):
        corners = options["connectivity"] == "corners"
        call = lambda: label(mask, corners)
        call.result = lambda: label(mask, corners)[1]
        return call

    return prepare


def label_scipy(mask, corners):
    structure = ndimage.generate_binary_structure(mask.ndim, mask.ndim if corners else 1)
    return ndimage.label(mask, structure)


def label_cc3d(mask, corners):
    connectivity = (26 if corners else 6) if mask.ndim == 3 else (8 if corners else 4)
    return cc3d.connected_components(mask, connectivity=connectivity, return_N=True)


def label_opencv(mask, corners):
    count, labels = cv2.connectedComponents(mask, connectivity=8 if corners else 4, ltype=cv2.CV_32S)
    return labels, count - 1


def morphology_opencv(mask, options):
    side = 2 * options["radius"] + 1
    box = np.ones((side, side), np.uint8)
    out = np.zeros_like(mask)
    op = MORPHOLOGY[options["op"]]
    if op == cv2.MORPH_ERODE:
        return lambda: cv2.erode(mask, box, out)
    return lambda: cv2.morphologyEx(mask, op, box, out)


def morphology_leptonica(mask, options):
    height, width = mask.shape
    pixes = [ctypes.c_void_p(lept.pixCreate(width, height, 1)) for _ in range(2)]
    words = (width + 31) // 32
    padded = np.zeros((height, words * 32), np.uint8)
    padded[:, :width] = mask
    bits = np.packbits(padded, axis=1).reshape(height, words, 4)[:, :, ::-1]
    bits = np.ascontiguousarray(bits)
    ctypes.memmove(lept.pixGetData(pixes[0]), bits.ctypes.data, bits.nbytes)

    def result():
        raw = np.frombuffer(ctypes.string_at(lept.pixGetData(pixes[1]), bits.nbytes), np.uint8)
        return np.unpackbits(raw.reshape(bits.shape)[:, :, ::-1].reshape(height, words * 4), axis=1)[:, :width]

    call = lambda: lept.pixErodeBrick(pixes[1], pixes[0], 3, 3)
    call.result = result
    return call


def adamw_torch(arrays, options):
    values, gradient = (torch.from_numpy(array.copy()) for array in arrays)
    parameter = torch.nn.Parameter(values)
    parameter.grad = gradient
    optimizer = torch.optim.AdamW([parameter], lr=1e-3, weight_decay=1e-2, fused=True)

    def call():
        optimizer.step()
        return parameter.detach().numpy()

    return call


OPS = {
    "edt_opencv": (cv2, edt_opencv),
    "edt_scipy": (ndimage, edt_scipy),
    "edt_hpp_binary": (edt, edt_hpp("edt_binary")),
    "edt_hpp_labels": (edt, edt_hpp("edt_labels")),
    "signed_reference": (ndimage, signed_reference),
    "soft_reference": (cv2, soft_reference),
    "calibration_reference": (np, calibration_reference),
    "calibration_torchmetrics": (torchmetrics, calibration_torchmetrics),
    "hd95_reference": (ndimage, hd95_reference),
    "hd95_cropped": (ndimage, hd95_cropped),
    "hd95_monai": (monai, hd95_monai),
    "hd95_deepmind": (deepmind, hd95_deepmind),
    "components_scipy": (ndimage, components(label_scipy)),
    "components_cc3d": (cc3d, components(label_cc3d)),
    "components_opencv": (cv2, components(label_opencv)),
    "morphology_opencv": (cv2, morphology_opencv),
    "morphology_leptonica": (lept, morphology_leptonica),
    "adamw_torch": (torch, adamw_torch),
}
# Which dims of a row's arrays: labels and probabilities have leading axes of their own.
SHAPES = {"probs": lambda options: [options["classes"], *options["dims"]]}


def prepare(request):
    library, build = OPS[request["op"]]
    if library is None:
        return None
    options = request["options"]
    arrays = []
    for name, entry in request["files"].items():
        shape = SHAPES.get(name, lambda options: options["dims"])(options)
        arrays.append(np.fromfile(entry["file"], DTYPES[entry["type"]]).reshape(shape))
    return build(arrays[0] if len(arrays) == 1 else arrays, options)


def answer(value):
    print(json.dumps(value), flush=True)


def main():
    answer(VERSIONS)
    call = None
    for line in sys.stdin:
        request = json.loads(line)
        if "prepare" in request:
            call = prepare(request["prepare"])
            if call is None:
                answer({"missing": True})
                continue
            result = call()
            result = call.result() if hasattr(call, "result") else result
            answer({"check": float(np.asarray(result, np.float64).sum())})
        else:
            times = []
            until = time.perf_counter() + request["run"] / 1000
            while True:
                begin = time.perf_counter()
                call()
                end = time.perf_counter()
                times.append((end - begin) * 1000)
                if end > until:
                    break
            answer({"times": times})


main()
