"""CuPy's and PyTorch's side of benchmarks/gpu: median seconds on the card, as one JSON object. What is missing is left out."""

import json
import pathlib
import sys
import time

here = pathlib.Path(__file__).parent
sizes = json.loads((here / "sizes.json").read_text())
sys.path.insert(0, str(here.parent / "peers"))


def median(run, synchronize):
    found = []
    for _ in range(sizes["repeats"] + 1):
        start = time.perf_counter()
        run()
        synchronize()
        found.append(time.perf_counter() - start)
    # The first one compiles and allocates.
    return sorted(found[1:])[sizes["repeats"] // 2]


def cupy_side():
    import cupy
    from cupyx.scipy import ndimage

    done = cupy.cuda.Device().synchronize
    results = {"version": cupy.__version__}
    for name in ("distance2d", "distance3d"):
        mask = (cupy.random.random(sizes[name]) * 10).astype("uint8") > 0
        results[name] = median(lambda: ndimage.distance_transform_edt(mask, float64_distances=False), done)
    return results


def torch_side():
    import torch
    from torch.nn import functional
    from training_step import UNet

    results = {"version": torch.__version__}
    for name, dims, base in (("unet2d", [4, 1, 224, 224], 32), ("unet3d", [1, 1, 32, 96, 96], 8)):
        model = UNet(len(dims) - 2, 1, 4, base).cuda().train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        images = torch.randn(dims, device="cuda")
        labels = torch.randint(4, [dims[0], *dims[2:]], device="cuda")

        def step():
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(model(images), labels).backward()
            optimizer.step()

        # Ours return when the results are in the process' memory.
        def predict():
            with torch.inference_mode():
                functional.softmax(model(images), 1).cpu()

        results[name] = {"step": median(step, torch.cuda.synchronize)}
        model.eval()
        results[name]["predict"] = median(predict, torch.cuda.synchronize)
    return results


found = {}
for name, side in (("CuPy", cupy_side), ("PyTorch", torch_side)):
    try:
        found[name] = side()
    except Exception as error:
        print(f"{name}: {error}", file=sys.stderr)
print(json.dumps(found))
