"""PyTorch's side of benchmarks/training-step.mjs: the same networks, cross-entropy and AdamW.

Reads one JSON line with the case, builds the model, then answers every line "run N" with the milliseconds
of N steps, on the clock and, as their mean, of processor time.
"""

import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional


def block(conv, norm, channels, width):
    layers = []
    for before in (channels, width):
        layers += [conv(before, width, 3, padding=1, bias=False), norm(width), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    def __init__(self, dimensions, channels, classes, base):
        super().__init__()
        two = dimensions == 2
        conv, norm, up = (
            (nn.Conv2d, nn.BatchNorm2d, nn.ConvTranspose2d) if two else (nn.Conv3d, nn.BatchNorm3d, nn.ConvTranspose3d)
        )
        widths = [base, base * 2, base * 4]
        self.pool = nn.MaxPool2d(2) if two else nn.MaxPool3d(2)
        self.down = nn.ModuleList(
            block(conv, norm, before, width) for before, width in zip([channels, *widths], widths)
        )
        self.bottleneck = block(conv, norm, widths[-1], base * 8)
        self.up = nn.ModuleList(up(width * 2, width, 2, stride=2) for width in reversed(widths))
        self.merge = nn.ModuleList(block(conv, norm, width * 2, width) for width in reversed(widths))
        self.head = conv(base, classes, 1)

    def forward(self, x):
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        for up, merge in zip(self.up, self.merge):
            x = merge(torch.cat([up(x), skips.pop()], dim=1))
        return self.head(x)


def unit(channels, width, stride=1):
    return nn.Sequential(
        nn.Conv3d(channels, width, 3, stride=stride, padding=1),
        nn.InstanceNorm3d(width, affine=True),
        nn.LeakyReLU(0.01, inplace=True),
    )


class PlainUNet(nn.Module):
    """nnU-Net's plain network for volumes, with four stages that halve all axes, without deep supervision."""

    def __init__(self, channels, classes, base):
        super().__init__()
        widths = [base * 2**stage for stage in range(4)]
        self.down = nn.ModuleList(
            nn.Sequential(unit(before, width, 1 if stage == 0 else 2), unit(width, width))
            for stage, (before, width) in enumerate(zip([channels, *widths], widths))
        )
        above = list(zip(reversed(widths[1:]), reversed(widths[:-1])))
        self.up = nn.ModuleList(nn.ConvTranspose3d(below, width, 2, stride=2) for below, width in above)
        self.merge = nn.ModuleList(nn.Sequential(unit(width * 2, width), unit(width, width)) for _, width in above)
        self.head = nn.Conv3d(base, classes, 1)

    def forward(self, x):
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        skips.pop()
        for up, merge in zip(self.up, self.merge):
            x = merge(torch.cat([up(x), skips.pop()], dim=1))
        return self.head(x)


def main():
    case = json.loads(sys.stdin.readline())
    torch.set_num_threads(case["threads"])
    torch.manual_seed(0)
    dims, classes = case["dims"], case["classes"]
    if case["plain"]:
        model = PlainUNet(dims[1], classes, case["base"]).train()
    else:
        model = UNet(len(dims) - 2, dims[1], classes, case["base"]).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    images = torch.randn(dims)
    labels = torch.randint(classes, [dims[0], *dims[2:]])

    def step():
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    print(json.dumps({"version": f"PyTorch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        times = []
        before = time.process_time()
        for _ in range(int(line.split()[1])):
            start = time.perf_counter()
            step()
            times.append((time.perf_counter() - start) * 1e3)
        cpu = (time.process_time() - before) * 1e3 / len(times)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"times": times, "cpu": cpu, "memory": memory}), flush=True)


if __name__ == "__main__":
    main()
