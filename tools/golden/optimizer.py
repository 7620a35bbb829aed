"""Golden numbers of the fused optimizers, from PyTorch; writes packages/core/test/golden/optimizer.json."""
import json
import pathlib

import numpy as np
import torch

from versions import record

torch.manual_seed(3)
OUT = pathlib.Path(__file__).parents[2] / "packages/core/test/golden/optimizer.json"
STEPS, SIZES = 6, (5, 21)


def floats(tensor):
    return [float(np.format_float_positional(x)) for x in tensor.detach().numpy()]


start = [torch.randn(size) for size in SIZES]
gradients = [[torch.randn(size) for size in SIZES] for _ in range(STEPS)]
optimizers = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1, nesterov=True),
}
results = {}
for name, make in optimizers.items():
    parameters = [torch.nn.Parameter(p.clone()) for p in start]
    optimizer = make(parameters)
    for step in gradients:
        for parameter, gradient in zip(parameters, step):
            parameter.grad = gradient.clone()
        optimizer.step()
    results[name] = [floats(p) for p in parameters]
norms = [torch.cat(step).double().norm().item() for step in gradients]
data = {
    "start": [floats(p) for p in start],
    "gradients": [[floats(g) for g in step] for step in gradients],
    "norms": norms,
    "results": results,
}
OUT.write_text(json.dumps(data) + "\n")
record(OUT, "torch")
