"""The network: plain 3 x 3 convolutions, batch norm and ReLU; nothing depthwise, no residuals, no other activations.

Dense convolutions are what int8 kernels are fast at, and ReLU's outputs have the one-sided ranges that 8 bits hold best.
Every width is a number in `Widths`, so that a pruned network is the same code with other numbers.

Outputs are NanoDet's, so the decoder `nanodet` reads them: for each stride, class scores [B,cells,classes] after the
sigmoid, and logits over the distances 0 to 7 strides of the four sides [B,cells,32] (Li et al. 2020, arXiv:2006.04388).
"""

from dataclasses import dataclass, field

import torch
from torch import nn

STRIDES = [8, 16, 32]
BINS = 8


@dataclass
class Widths:
    # Output channels of the convolutions, stage by stage; each stage but the first begins by halving the size.
    backbone: list = field(default_factory=lambda: [[16], [24, 24], [48, 48, 48], [96, 96, 96], [128, 128]])
    neck: int = 48
    head: list = field(default_factory=lambda: [48, 48, 48])


class Conv(nn.Module):
    def __init__(self, inside, outside, size=3, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, size, stride, size // 2, bias=False)
        self.norm = nn.BatchNorm2d(outside, momentum=0.03)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class Net(nn.Module):
    def __init__(self, classes, widths=None):
        super().__init__()
        self.classes, self.widths = classes, widths or Widths()
        inside, stages = 3, []
        for stage in self.widths.backbone:
            layers = []
            for i, outside in enumerate(stage):
                layers.append(Conv(inside, outside, stride=2 if i == 0 else 1))
                inside = outside
            stages.append(nn.Sequential(*layers))
        self.stages = nn.ModuleList(stages)
        neck = self.widths.neck
        self.lateral = nn.ModuleList(Conv(stage[-1], neck, 1) for stage in self.widths.backbone[2:])
        self.head = nn.ModuleList(Conv(neck, width) for width in self.widths.head)
        self.score = nn.ModuleList(nn.Conv2d(width, classes, 1) for width in self.widths.head)
        self.sides = nn.ModuleList(nn.Conv2d(width, 4 * BINS, 1) for width in self.widths.head)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        for score, sides in zip(self.score, self.sides):
            nn.init.normal_(score.weight, std=0.01)
            nn.init.constant_(score.bias, -4.0)
            nn.init.normal_(sides.weight, std=0.01)
            nn.init.zeros_(sides.bias)
        # Pixels are 0 to 255; the normalisation is part of the network.
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 114.0))
        self.scale = 1.0 / 64.0
        self.takes_pixels = True

    def features(self, x):
        x, out = (x - self.mean) * self.scale if self.takes_pixels else x, []
        for stage in self.stages:
            x = stage(x)
            out.append(x)
        p8, p16, p32 = (lateral(x) for lateral, x in zip(self.lateral, out[2:]))
        double = nn.functional.interpolate
        p16 = p16 + double(p32, scale_factor=2.0, mode="nearest")
        p8 = p8 + double(p16, scale_factor=2.0, mode="nearest")
        return p8, p16, p32

    def forward(self, x):
        """Class logits [B,A,C] and side logits [B,A,32], cells of all strides one after the other."""
        scores, sides = self.split(x)
        return torch.cat(scores, 1), torch.cat(sides, 1)

    def split(self, x):
        scores, sides = [], []
        for x, head, score, side in zip(self.features(x), self.head, self.score, self.sides):
            x = head(x)
            scores.append(score(x).flatten(2).transpose(1, 2))
            sides.append(side(x).flatten(2).transpose(1, 2))
        return scores, sides


def points(width, height, device=None):
    """Centres of all cells [A,2] and their strides [A,1], pixels."""
    where, stride = [], []
    for s in STRIDES:
        y, x = torch.meshgrid(torch.arange(height // s), torch.arange(width // s), indexing="ij")
        where.append((torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * s)
        stride.append(torch.full((len(where[-1]), 1), float(s)))
    return torch.cat(where).to(device), torch.cat(stride).to(device)


def boxes(sides, where, stride):
    """Corners [B,A,4], pixels."""
    share = sides.unflatten(-1, (4, BINS)).softmax(-1)
    reach = (share * torch.arange(BINS, device=sides.device, dtype=share.dtype)).sum(-1) * stride
    return torch.cat([where - reach[..., :2], where + reach[..., 2:]], -1)


def cost(widths, classes, width, height):
    """Multiply-adds of one picture and parameters of the convolutions."""
    adds = parameters = 0

    def conv(inside, outside, size, w, h):
        nonlocal adds, parameters
        parameters += inside * outside * size * size + outside
        adds += inside * outside * size * size * w * h

    inside, w, h, ends = 3, width, height, []
    for stage in widths.backbone:
        w, h = w // 2, h // 2
        for outside in stage:
            conv(inside, outside, 3, w, h)
            inside = outside
        ends.append((inside, w, h))
    for (last, w, h), head in zip(ends[2:], widths.head):
        conv(last, widths.neck, 1, w, h)
        conv(widths.neck, head, 3, w, h)
        conv(head, classes + 4 * BINS, 1, w, h)
    return adds, parameters


def save(path, net, note):
    torch.save({"widths": vars(net.widths), "classes": net.classes, "state": net.state_dict(), "note": note}, path)


def load(path):
    data = torch.load(path, weights_only=True)
    net = Net(data["classes"], Widths(**data["widths"]))
    net.load_state_dict(data["state"])
    return net
