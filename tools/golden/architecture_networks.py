"""Small segmentation networks of many families, for architectures.py."""

import torch
from torch import nn
from torch.nn import functional as F


def conv_bn(i, o, k=3, act=nn.ReLU, norm=nn.BatchNorm2d, **options):
    dilation = options.get("dilation", 1)
    return nn.Sequential(nn.Conv2d(i, o, k, padding=dilation * (k // 2), bias=False, **options), norm(o), act())


def double(i, o):
    return nn.Sequential(conv_bn(i, o), conv_bn(o, o))


def up(x, like, mode="bilinear", **options):
    return F.interpolate(x, size=like.shape[2:], mode=mode, **options)


class UNetPlusPlus(nn.Module):
    """Nested skips and two supervised outputs (Zhou et al. 2018)."""

    def __init__(self, c=(4, 6, 8)):
        super().__init__()
        self.e0, self.e1, self.e2 = double(1, c[0]), double(c[0], c[1]), double(c[1], c[2])
        self.d01 = double(c[0] + c[1], c[0])
        self.d11 = double(c[1] + c[2], c[1])
        self.d02 = double(2 * c[0] + c[1], c[0])
        self.h1, self.h2 = nn.Conv2d(c[0], 3, 1), nn.Conv2d(c[0], 3, 1)

    def forward(self, x):
        grow = lambda v: F.interpolate(v, scale_factor=2, mode="bilinear", align_corners=True)
        x0 = self.e0(x)
        x1 = self.e1(F.max_pool2d(x0, 2))
        x2 = self.e2(F.max_pool2d(x1, 2))
        x01 = self.d01(torch.cat([x0, grow(x1)], 1))
        x11 = self.d11(torch.cat([x1, grow(x2)], 1))
        x02 = self.d02(torch.cat([x0, x01, grow(x11)], 1))
        return self.h2(x02), self.h1(x01)


class DeepLabV3Plus(nn.Module):
    """Atrous pyramid with image pooling, separable convolutions (Chen et al. 2018)."""

    def __init__(self, c=6):
        super().__init__()
        self.low = conv_bn(1, 4, stride=2)
        self.high = nn.Sequential(conv_bn(4, c, stride=2), conv_bn(c, c, dilation=2))
        self.aspp = nn.ModuleList([conv_bn(c, 4, 1)] + [self.separable(c, 4, d) for d in (2, 3)])
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, 4, 1, bias=False), nn.ReLU())
        self.project = conv_bn(16, 6, 1)
        self.reduce = conv_bn(4, 3, 1)
        self.head = nn.Sequential(self.separable(9, 6, 1), nn.Dropout(0.1), nn.Conv2d(6, 3, 1))

    def separable(self, i, o, dilation):
        return nn.Sequential(nn.Conv2d(i, i, 3, padding=dilation, dilation=dilation, groups=i, bias=False), conv_bn(i, o, 1))

    def forward(self, x):
        low = self.low(x)
        high = self.high(low)
        parts = [f(high) for f in self.aspp] + [up(self.pool(high), high, align_corners=False)]
        y = self.project(torch.cat(parts, 1))
        y = torch.cat([up(y, low, align_corners=False), self.reduce(low)], 1)
        return up(self.head(y), x, align_corners=False)


class FPN(nn.Module):
    """Feature pyramid with group norms, nearest upsampling and additions (Kirillov et al. 2019)."""

    def __init__(self, c=(4, 6, 8), width=8):
        super().__init__()
        self.stages = nn.ModuleList([conv_bn(1, c[0], stride=2), conv_bn(c[0], c[1], stride=2), conv_bn(c[1], c[2], stride=2)])
        self.lateral = nn.ModuleList([nn.Conv2d(i, width, 1) for i in c])
        self.smooth = nn.ModuleList(
            [nn.Sequential(nn.Conv2d(width, 8, 3, padding=1, bias=False), nn.GroupNorm(4, 8), nn.ReLU()) for _ in c]
        )
        self.head = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        features = []
        y = x
        for stage in self.stages:
            y = stage(y)
            features.append(y)
        top = None
        merged = 0
        for lateral, smooth, feature in reversed(list(zip(self.lateral, self.smooth, features))):
            own = lateral(feature)
            top = own if top is None else own + F.interpolate(top, scale_factor=2, mode="nearest")
            merged = merged + up(smooth(top), features[0], align_corners=False)
        return F.interpolate(self.head(merged), scale_factor=2, mode="bicubic", align_corners=False)


class AttentionUNet(nn.Module):
    """Gated skips (Oktay et al. 2018), with the sigmoid that some publish in the graph."""

    def __init__(self, c=(4, 6, 8)):
        super().__init__()
        self.e0, self.e1, self.e2 = double(1, c[0]), double(c[0], c[1]), double(c[1], c[2])
        self.ups = nn.ModuleList([nn.ConvTranspose2d(c[i + 1], c[i], 2, stride=2) for i in (0, 1)])
        self.wg = nn.ModuleList([nn.Conv2d(c[i], 3, 1) for i in (0, 1)])
        self.wx = nn.ModuleList([nn.Conv2d(c[i], 3, 1) for i in (0, 1)])
        self.psi = nn.ModuleList([nn.Sequential(nn.Conv2d(3, 1, 1), nn.BatchNorm2d(1), nn.Sigmoid()) for i in (0, 1)])
        self.d = nn.ModuleList([double(2 * c[i], c[i]) for i in (0, 1)])
        self.head = nn.Conv2d(c[0], 3, 1)

    def forward(self, x):
        skips = [self.e0(x)]
        skips.append(self.e1(F.max_pool2d(skips[0], 2)))
        y = self.e2(F.max_pool2d(skips[1], 2))
        for i in (1, 0):
            y = self.ups[i](y)
            gate = self.psi[i](F.relu(self.wg[i](y) + self.wx[i](skips[i])))
            y = self.d[i](torch.cat([skips[i] * gate, y], 1))
        return torch.sigmoid(self.head(y))


class SegResNet(nn.Module):
    """Pre-activated residual blocks with group norms in 3-D (Myronenko 2018)."""

    class Block(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.n1, self.n2 = nn.GroupNorm(2, c), nn.GroupNorm(2, c)
            self.c1, self.c2 = (nn.Conv3d(c, c, 3, padding=1, bias=False) for _ in range(2))

        def forward(self, x):
            return x + self.c2(F.relu(self.n2(self.c1(F.relu(self.n1(x))))))

    def __init__(self):
        super().__init__()
        self.first = nn.Conv3d(1, 4, 3, padding=1, bias=False)
        self.a, self.b, self.c = self.Block(4), self.Block(6), self.Block(4)
        self.down = nn.Conv3d(4, 6, 3, stride=2, padding=1, bias=False)
        self.up = nn.Conv3d(6, 4, 1, bias=False)
        self.head = nn.Sequential(nn.GroupNorm(2, 4), nn.ReLU(), nn.Conv3d(4, 3, 1))

    def forward(self, x):
        skip = self.a(self.first(x))
        y = self.b(self.down(skip))
        y = F.interpolate(self.up(y), scale_factor=2, mode="trilinear", align_corners=False)
        return self.head(self.c(y + skip))


def in_lrelu(i, o, rank, **options):
    conv, norm = (nn.Conv2d, nn.InstanceNorm2d) if rank == 2 else (nn.Conv3d, nn.InstanceNorm3d)
    return nn.Sequential(conv(i, o, 3, padding=1, **options), norm(o, affine=True), nn.LeakyReLU(0.01, inplace=True))


class NnUNet(nn.Module):
    """nnU-Net's plain network: anisotropic strides, transposed convolutions, deep supervision (Isensee et al. 2021)."""

    def __init__(self, c=(4, 6, 8)):
        super().__init__()
        self.e = nn.ModuleList([in_lrelu(1, c[0], 3), in_lrelu(c[0], c[1], 3, stride=(1, 2, 2)), in_lrelu(c[1], c[2], 3, stride=2)])
        self.u = nn.ModuleList([nn.ConvTranspose3d(c[1], c[0], (1, 2, 2), (1, 2, 2)), nn.ConvTranspose3d(c[2], c[1], 2, 2)])
        self.d = nn.ModuleList([in_lrelu(2 * c[0], c[0], 3), in_lrelu(2 * c[1], c[1], 3)])
        self.h = nn.ModuleList([nn.Conv3d(c[0], 3, 1), nn.Conv3d(c[1], 3, 1)])

    def forward(self, x):
        s0 = self.e[0](x)
        s1 = self.e[1](s0)
        y1 = self.d[1](torch.cat([self.u[1](self.e[2](s1)), s1], 1))
        y0 = self.d[0](torch.cat([self.u[0](y1), s0], 1))
        return self.h[0](y0), self.h[1](y1)


class ResidualNnUNet(nn.Module):
    """nnU-Net's residual encoder: pooled 1 x 1 skips (Isensee et al. 2024)."""

    class Block(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            self.c1 = in_lrelu(i, o, 2, stride=stride)
            self.c2 = nn.Sequential(nn.Conv2d(o, o, 3, padding=1), nn.InstanceNorm2d(o, affine=True))
            pool = [nn.AvgPool2d(stride, stride)] if stride > 1 else []
            self.skip = nn.Sequential(*pool, nn.Conv2d(i, o, 1, bias=False), nn.InstanceNorm2d(o, affine=True))

        def forward(self, x):
            return F.leaky_relu(self.c2(self.c1(x)) + self.skip(x))

    def __init__(self, c=(4, 6, 8)):
        super().__init__()
        self.e = nn.ModuleList([self.Block(1, c[0], 1), self.Block(c[0], c[1], 2), self.Block(c[1], c[2], 2)])
        self.u = nn.ModuleList([nn.ConvTranspose2d(c[i + 1], c[i], 2, 2) for i in (0, 1)])
        self.d = nn.ModuleList([in_lrelu(2 * c[i], c[i], 2) for i in (0, 1)])
        self.head = nn.Conv2d(c[0], 3, 1)

    def forward(self, x):
        s0 = self.e[0](x)
        s1 = self.e[1](s0)
        y = self.d[1](torch.cat([self.u[1](self.e[2](s1)), s1], 1))
        return self.head(self.d[0](torch.cat([self.u[0](y), s0], 1)))


class VNet(nn.Module):
    """Residual stages with repeated input, ELU and PReLU, softmax in the graph (Milletari et al. 2016)."""

    def __init__(self, c=4):
        super().__init__()
        self.first = nn.Sequential(nn.Conv3d(1, c, 5, padding=2), nn.BatchNorm3d(c))
        self.down = nn.Sequential(nn.Conv3d(c, 2 * c, 2, stride=2), nn.BatchNorm3d(2 * c), nn.PReLU(2 * c))
        self.mid = nn.Sequential(nn.Conv3d(2 * c, 2 * c, 3, padding=1), nn.BatchNorm3d(2 * c), nn.ELU())
        self.up = nn.Sequential(nn.ConvTranspose3d(2 * c, c, 2, stride=2), nn.BatchNorm3d(c), nn.PReLU())
        self.last = nn.Sequential(nn.Conv3d(2 * c, 2 * c, 3, padding=1), nn.BatchNorm3d(2 * c))
        self.head = nn.Conv3d(2 * c, 3, 1)

    def forward(self, x):
        skip = F.elu(self.first(x) + x.repeat(1, 4, 1, 1, 1))
        y = self.down(skip)
        y = F.elu(self.mid(y) + y)
        y = torch.cat([self.up(y), skip], 1)
        return F.softmax(self.head(F.elu(self.last(y) + y)), 1)


class SegFormer(nn.Module):
    """Overlapping patches, attention with spatial reduction, Mix-FFN, an all-MLP head (Xie et al. 2021)."""

    class Block(nn.Module):
        def __init__(self, c, heads, reduction):
            super().__init__()
            self.heads = heads
            self.n1, self.n2, self.n3 = nn.LayerNorm(c), nn.LayerNorm(c), nn.LayerNorm(c)
            self.q, self.kv, self.out = nn.Linear(c, c), nn.Linear(c, 2 * c), nn.Linear(c, c)
            self.reduce = nn.Conv2d(c, c, reduction, stride=reduction)
            self.f1, self.f2 = nn.Linear(c, 2 * c), nn.Linear(2 * c, c)
            self.dw = nn.Conv2d(2 * c, 2 * c, 3, padding=1, groups=2 * c)

        def forward(self, x, h, w):
            b, n, c = x.shape
            y = self.n1(x)
            image = self.reduce(y.transpose(1, 2).reshape(b, c, h, w))
            k, v = self.kv(self.n3(image.flatten(2).transpose(1, 2))).reshape(b, -1, 2, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
            q = self.q(y).reshape(b, n, self.heads, -1).permute(0, 2, 1, 3)
            attention = (q @ k.transpose(-2, -1) * (c // self.heads) ** -0.5).softmax(-1)
            x = x + self.out((attention @ v).transpose(1, 2).reshape(b, n, c))
            y = self.f1(self.n2(x))
            y = self.dw(y.transpose(1, 2).reshape(b, -1, h, w)).flatten(2).transpose(1, 2)
            return x + self.f2(F.gelu(y))

    def __init__(self, c=(8, 12)):
        super().__init__()
        self.p1, self.p2 = nn.Conv2d(1, c[0], 7, stride=4, padding=3), nn.Conv2d(c[0], c[1], 3, stride=2, padding=1)
        self.n1, self.n2 = nn.LayerNorm(c[0]), nn.LayerNorm(c[1])
        self.b1, self.b2 = self.Block(c[0], 1, 2), self.Block(c[1], 2, 1)
        self.m1, self.m2 = nn.Linear(c[0], 8), nn.Linear(c[1], 8)
        self.fuse = conv_bn(16, 8, 1)
        self.head = nn.Conv2d(8, 3, 1)

    def stage(self, x, patch, norm, block):
        x = patch(x)
        h, w = x.shape[2:]
        y = block(norm(x.flatten(2).transpose(1, 2)), h, w)
        return y.transpose(1, 2).reshape(x.shape[0], -1, h, w).contiguous()

    def forward(self, x):
        f1 = self.stage(x, self.p1, self.n1, self.b1)
        f2 = self.stage(f1, self.p2, self.n2, self.b2)
        mlp = lambda f, m: m(f.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(f.shape[0], -1, *f.shape[2:])
        y = torch.cat([mlp(f1, self.m1), up(mlp(f2, self.m2), f1, align_corners=False)], 1)
        return up(self.head(self.fuse(y)), x, align_corners=False)


class UNETR(nn.Module):
    """A vision transformer as 3-D encoder, attention by einsum as in MONAI (Hatamizadeh et al. 2022)."""

    class Block(nn.Module):
        def __init__(self, c, heads):
            super().__init__()
            self.heads = heads
            self.n1, self.n2 = nn.LayerNorm(c), nn.LayerNorm(c)
            self.qkv, self.out = nn.Linear(c, 3 * c, bias=False), nn.Linear(c, c)
            self.mlp = nn.Sequential(nn.Linear(c, 2 * c), nn.GELU(), nn.Linear(2 * c, c))

        def forward(self, x):
            b, n, c = x.shape
            q, k, v = self.qkv(self.n1(x)).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
            weights = (torch.einsum("blxd,blyd->blxy", q, k) * (c // self.heads) ** -0.5).softmax(-1)
            y = torch.einsum("bhxy,bhyd->bhxd", weights, v)
            x = x + self.out(y.permute(0, 2, 1, 3).reshape(b, n, c))
            return x + self.mlp(self.n2(x))

    def __init__(self, c=12):
        super().__init__()
        self.patch = nn.Conv3d(1, c, 4, stride=4)
        self.position = nn.Parameter(torch.zeros(1, 32, c))
        self.blocks = nn.ModuleList([self.Block(c, 2), self.Block(c, 3)])
        self.norm = nn.LayerNorm(c)
        self.skip = in_lrelu(1, 3, 3)
        self.u1, self.u2 = nn.ConvTranspose3d(c, 4, 2, 2, bias=False), nn.ConvTranspose3d(4, 3, 2, 2, bias=False)
        self.head = nn.Sequential(in_lrelu(6, 4, 3), nn.Conv3d(4, 3, 1))

    def forward(self, x):
        y = self.patch(x)
        shape = y.shape
        y = y.flatten(2).transpose(-1, -2) + self.position
        for block in self.blocks:
            y = block(y)
        y = self.norm(y).transpose(1, 2).view(shape)
        return self.head(torch.cat([self.u2(self.u1(y)), self.skip(x)], 1))


class U2Net(nn.Module):
    """Nested U-shaped blocks, pooling with ceil_mode, a sigmoid on every side output (Qin et al. 2020)."""

    class RSU(nn.Module):
        def __init__(self, i, m, o):
            super().__init__()
            self.first, self.a, self.b = conv_bn(i, o), conv_bn(o, m), conv_bn(m, m)
            self.c, self.d, self.e = conv_bn(m, m, dilation=2), conv_bn(2 * m, m), conv_bn(2 * m, o)

        def forward(self, x):
            x = self.first(x)
            a = self.a(x)
            b = self.b(F.max_pool2d(a, 2, stride=2, ceil_mode=True))
            d = self.d(torch.cat([self.c(b), b], 1))
            return x + self.e(torch.cat([up(d, a, align_corners=False), a], 1))

    def __init__(self):
        super().__init__()
        self.s1, self.s2, self.s3 = self.RSU(1, 3, 4), self.RSU(4, 3, 6), self.RSU(10, 3, 4)
        self.side = nn.ModuleList([nn.Conv2d(4, 1, 3, padding=1), nn.Conv2d(6, 1, 3, padding=1)])
        self.out = nn.Conv2d(2, 1, 1)

    def forward(self, x):
        a = self.s1(x)
        b = self.s2(F.max_pool2d(a, 2, stride=2, ceil_mode=True))
        c = self.s3(torch.cat([up(b, a, align_corners=False), a], 1))
        d1, d2 = self.side[0](c), up(self.side[1](b), x, align_corners=False)
        return tuple(torch.sigmoid(d) for d in (self.out(torch.cat([d1, d2], 1)), d1, d2))


class HighResNet(nn.Module):
    """Dilated residual blocks at full resolution with padded channels (Li et al. 2017)."""

    class Block(nn.Module):
        def __init__(self, i, o, dilation):
            super().__init__()
            self.grow = o - i
            self.n1, self.n2 = nn.BatchNorm3d(i), nn.BatchNorm3d(o)
            self.c1 = nn.Conv3d(i, o, 3, padding=dilation, dilation=dilation, bias=False)
            self.c2 = nn.Conv3d(o, o, 3, padding=dilation, dilation=dilation, bias=False)

        def forward(self, x):
            y = self.c2(F.relu(self.n2(self.c1(F.relu(self.n1(x))))))
            return y + F.pad(x, (0, 0, 0, 0, 0, 0, self.grow // 2, self.grow - self.grow // 2))

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv3d(1, 3, 3, padding=1, bias=False), nn.BatchNorm3d(3), nn.ReLU())
        self.blocks = nn.Sequential(self.Block(3, 3, 1), self.Block(3, 6, 2))
        self.head = nn.Conv3d(6, 3, 1)

    def forward(self, x):
        return self.head(self.blocks(self.first(x)))


class MobileNetV3(nn.Module):
    """Inverted residuals with squeeze-and-excite, hard-swish, and the LR-ASPP head (Howard et al. 2019)."""

    class Block(nn.Module):
        def __init__(self, i, m, o, k, stride, excite):
            super().__init__()
            self.skip = i == o and stride == 1
            self.expand = conv_bn(i, m, 1, nn.Hardswish)
            self.dw = conv_bn(m, m, k, nn.Hardswish, stride=stride, groups=m)
            self.se = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(m, 3, 1), nn.ReLU(), nn.Conv2d(3, m, 1), nn.Hardsigmoid()) if excite else None
            self.project = nn.Sequential(nn.Conv2d(m, o, 1, bias=False), nn.BatchNorm2d(o))

        def forward(self, x):
            y = self.dw(self.expand(x))
            if self.se is not None:
                y = y * self.se(y)
            y = self.project(y)
            return x + y if self.skip else y

    def __init__(self):
        super().__init__()
        self.stem = conv_bn(1, 4, 3, nn.Hardswish, stride=2)
        self.low = self.Block(4, 8, 4, 3, 1, False)
        self.high = nn.Sequential(self.Block(4, 8, 6, 5, 2, True), self.Block(6, 12, 6, 5, 1, True))
        self.cbr = conv_bn(6, 8, 1)
        self.scale = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 8, 1, bias=False), nn.Sigmoid())
        self.low_head, self.high_head = nn.Conv2d(4, 3, 1), nn.Conv2d(8, 3, 1)

    def forward(self, x):
        low = self.low(self.stem(x))
        high = self.high(low)
        y = up(self.cbr(high) * self.scale(high), low, align_corners=False)
        return up(self.low_head(low) + self.high_head(y), x, align_corners=False)


class SwinUNet(nn.Module):
    """Shifted windows with a table of relative positions and a mask, patch merging (Liu et al. 2021)."""

    class Block(nn.Module):
        def __init__(self, c, heads, shift, size=8, window=4):
            super().__init__()
            self.heads, self.shift, self.window = heads, shift, window
            self.n1, self.n2 = nn.LayerNorm(c), nn.LayerNorm(c)
            self.qkv, self.out = nn.Linear(c, 3 * c), nn.Linear(c, c)
            self.table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
            at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
            relative = at[:, :, None] - at[:, None] + window - 1
            self.register_buffer("index", relative[0] * (2 * window - 1) + relative[1])
            region = torch.zeros(1, size, size, 1)
            for i, rows in enumerate((slice(0, -window), slice(-window, -shift), slice(-shift, None))):
                for j, columns in enumerate((slice(0, -window), slice(-window, -shift), slice(-shift, None))):
                    region[:, rows, columns] = 3 * i + j
            parts = self.split(region).squeeze(-1)
            mask = (parts[:, None] - parts[:, :, None]) != 0
            self.register_buffer("attn_mask", mask.float() * -100 if shift else None)
            self.mlp = nn.Sequential(nn.Linear(c, 2 * c), nn.GELU(), nn.Linear(2 * c, c))

        def split(self, x):
            b, h, w, c = x.shape
            k = self.window
            return x.view(b, h // k, k, w // k, k, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, k * k, c)

        def forward(self, x):
            b, h, w, c = x.shape
            k = self.window
            y = self.n1(x)
            if self.shift:
                y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
            y = self.split(y)
            q, key, v = self.qkv(y).reshape(y.shape[0], k * k, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            a = q * (c // self.heads) ** -0.5 @ key.transpose(-2, -1)
            a = a + self.table[self.index.view(-1)].view(k * k, k * k, -1).permute(2, 0, 1).unsqueeze(0)
            if self.shift:
                a = a.view(b, -1, self.heads, k * k, k * k) + self.attn_mask[None, :, None]
                a = a.view(-1, self.heads, k * k, k * k)
            y = self.out((a.softmax(-1) @ v).transpose(1, 2).reshape(-1, k * k, c))
            y = y.view(b, h // k, w // k, k, k, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
            if self.shift:
                y = torch.roll(y, (self.shift, self.shift), (1, 2))
            x = x + y
            return x + self.mlp(self.n2(x))

    def __init__(self, c=8):
        super().__init__()
        self.patch = nn.Conv2d(1, c, 4, stride=4)
        self.b1, self.b2 = self.Block(c, 2, 0), self.Block(c, 2, 2)
        self.norm, self.merge = nn.LayerNorm(4 * c), nn.Linear(4 * c, 2 * c, bias=False)
        self.grow = nn.Linear(2 * c, 4 * c, bias=False)
        self.head = nn.Sequential(nn.Conv2d(2 * c, 48, 1), nn.PixelShuffle(4))

    def forward(self, x):
        x = self.patch(x).permute(0, 2, 3, 1)
        x = self.b2(self.b1(x))
        merged = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)
        y = self.grow(self.merge(self.norm(merged))).permute(0, 3, 1, 2)
        y = F.pixel_shuffle(y, 2)
        return self.head(torch.cat([F.pad(y, (1, 1, 1, 1), mode="reflect")[:, :, 1:-1, 1:-1], x.permute(0, 3, 1, 2)], 1)[:, : 2 * 8])
