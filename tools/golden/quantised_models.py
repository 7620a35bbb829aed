"""Writes packages/train/test/golden/quantised/*.onnx: a small network quantised by onnxruntime's tools in the three forms they have,
with several ends, for pass-through.test.ts.

Needs torch, onnx and onnxruntime. The test compares with onnxruntime itself, so no numbers are stored.
"""

import logging
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from torch import nn

from versions import record

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
out = Path(__file__).resolve().parents[2] / "packages/train/test/golden/quantised"
out.mkdir(parents=True, exist_ok=True)


class Net(nn.Module):
    def __init__(self, end):
        super().__init__()
        self.first, self.second, self.head, self.end = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 3, 1), end

    def forward(self, x):
        return self.end(self.head(torch.relu(self.second(torch.relu(self.first(x))))))


class Images(CalibrationDataReader):
    def __init__(self):
        rng = np.random.default_rng(0)
        self.images = iter([{"image": rng.normal(size=(1, 1, 24, 24)).astype(np.float32)} for _ in range(4)])

    def get_next(self):
        return next(self.images, None)


def quantise(name, end, form):
    torch.manual_seed(1)
    net = Net(end).eval()
    for parameter in net.parameters():
        parameter.data = torch.randn_like(parameter) * 0.5
    sizes = {"image": {0: "N", 2: "H", 3: "W"}, "y": {0: "N", 2: "H", 3: "W"}}
    with tempfile.TemporaryDirectory() as folder:
        plain, path = Path(folder) / "plain.onnx", out / f"{name}.onnx"
        torch.onnx.export(
            net, (torch.zeros(1, 1, 24, 24),), plain, dynamo=False, input_names=["image"], output_names=["y"], dynamic_axes=sizes
        )
        if form == "dynamic":
            quantize_dynamic(plain, path, weight_type=QuantType.QUInt8)
        else:
            quantize_static(plain, path, Images(), quant_format=form)
    record(path, "torch", "onnxruntime")


quantise("logits_qdq", nn.Identity(), QuantFormat.QDQ)
quantise("softmax_qdq", nn.Softmax(1), QuantFormat.QDQ)
quantise("sigmoid_qdq", nn.Sigmoid(), QuantFormat.QDQ)
quantise("softmax_operators", nn.Softmax(1), QuantFormat.QOperator)
quantise("softmax_dynamic", nn.Softmax(1), "dynamic")
