"""Writes packages/train/test/golden/architectures/*.onnx: small networks of many families as PyTorch exports them, by both
exporters, and in architectures.json PyTorch's gradients, for architectures.test.ts.

Needs torch 2.13, onnx, onnxscript. Gradients are taken in float64. Of every parameter's gradient the file keeps its norm and
its product with a fixed vector; the loss is the sum of all outputs times fixed numbers.
"""

import json
import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from torch.fx.experimental.optimization import fuse

import architecture_networks as nets
from hashed import hashed
from versions import record

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


plane, volume = (2, 1, 32, 32), (2, 1, 8, 16, 16)
# name: network, image, exporter: the older one's operator set, "dynamo", or "dynamo folded", which fuses norms into convolutions
networks = {
    "unetplusplus": (nets.UNetPlusPlus, plane, 11),
    "deeplabv3plus": (nets.DeepLabV3Plus, plane, "dynamo folded"),
    "fpn": (nets.FPN, plane, 13),
    "attention_unet": (nets.AttentionUNet, plane, "dynamo"),
    "segresnet": (nets.SegResNet, volume, 17),
    "nnunet": (nets.NnUNet, volume, "dynamo"),
    "nnunet_residual": (nets.ResidualNnUNet, plane, 14),
    "vnet": (nets.VNet, volume, 16),
    "segformer": (nets.SegFormer, plane, "dynamo"),
    "unetr": (nets.UNETR, volume, 12),
    "u2net": (nets.U2Net, (2, 1, 31, 29), 17),
    "highresnet": (nets.HighResNet, volume, "dynamo folded"),
    "mobilenetv3": (nets.MobileNetV3, plane, 14),
    "swin": (nets.SwinUNet, plane, 17),
}


def seeded(network):
    """Sets weights and statistics so that no two are equal."""
    torch.manual_seed(0)
    net = network()
    for name, tensor in list(net.named_parameters()) + list(net.named_buffers()):
        if tensor.is_floating_point() and tensor.ndim == 1 or name.endswith(("position", "table")):
            tensor.data += 0.2 * torch.rand_like(tensor) - (0.1 if name.endswith(("bias", "mean", "position", "table")) else 0)
    return net.eval()


def export(net, image, exporter, path):
    names = [f"y{i}" for i in range(len(outputs_of(net(image))))]
    if isinstance(exporter, str):
        folded = exporter.endswith("folded")
        program = torch.onnx.export(net, (image,), dynamo=True, optimize=folded, verbose=False, input_names=["x"], output_names=names)
        onnx.save(without_notes(program.model_proto), str(path))
    else:
        options = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
        torch.onnx.export(net, (image,), str(path), dynamo=False, opset_version=exporter, input_names=["x"], output_names=names, **options)


def without_notes(model):
    """Removes the exporter's notes about its sources, which are most of a small file."""
    for part in [model, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del part.metadata_props[:]
        part.doc_string = ""
    del model.graph.value_info[:]
    return model


def outputs_of(y):
    return list(y) if isinstance(y, (tuple, list)) else [y]


def gradients(net, image, folded):
    """Returns gradients in float64, by batch statistics unless norms are folded into convolutions."""
    own = {name for name, _ in net.named_parameters()}
    net = fuse(net.double()).requires_grad_() if folded else net.double().train()
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    loss = 0
    for i, y in enumerate(outputs_of(net(image.double()))):
        loss = loss + (y * torch.tensor(hashed(y.numel(), 500 + i)).view(y.shape)).sum()
    loss.backward()
    found = {}
    for stream, (name, p) in enumerate(net.named_parameters()):
        if p.grad is None:
            continue
        name = name if name in own else name.replace("bias", "weight_bias")
        g = p.grad.flatten().numpy()
        found[name] = [float(np.linalg.norm(g)), float(g @ hashed(g.size, stream))]
    return float(loss.detach()), found


def main():
    out = Path(__file__).resolve().parents[2] / "packages/train/test/golden/architectures"
    out.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name in sys.argv[1:] or networks:
        network, dims, exporter = networks[name]
        net = seeded(network)
        image = torch.tensor(hashed(int(np.prod(dims)), 77), dtype=torch.float32).view(dims)
        export(net, image, exporter, out / f"{name}.onnx")
        record(out / f"{name}.onnx", "torch", "onnx", "onnxscript")
        folded = str(exporter).endswith("folded")
        loss, found = gradients(net, image, folded)
        expected[name] = {"image": dims, "training": not folded, "loss": loss, "gradients": found}
        print(name, len(found), "parameters", (out / f"{name}.onnx").stat().st_size, "bytes")
    if not sys.argv[1:]:
        (out / "architectures.json").write_text(json.dumps(expected, indent=1) + "\n")
        record(out / "architectures.json", "numpy", "torch")


if __name__ == "__main__":
    main()
