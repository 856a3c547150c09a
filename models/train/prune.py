"""Takes away the channels that matter least: `prune.py --net FILE --keep 0.6 --out FILE`.

Structured: whole output channels of a convolution go, and with them the inputs of those that follow, so the result is a
smaller dense network for any engine. A channel matters by the scale of its batch norm times what its followers make of it
(after Liu et al. 2017, network slimming, arXiv:1708.06519). Train the result a little more, best after the original.
"""

import argparse

import torch

import net as nets
from data import CLASSES, HEIGHT, WIDTH


def kept(conv, followers, keep):
    """Indices of the channels that stay: a multiple of 8, at least 8."""
    heard = sum(f.weight.detach().abs().sum((0, 2, 3)) for f in followers)
    matter = conv.norm.weight.detach().abs() * heard
    count = min(len(matter), max(8, round(len(matter) * keep / 8) * 8))
    return matter.topk(count).indices.sort().values


def shrink(conv, inside, outside):
    """The convolution on these inputs and outputs alone (None: all)."""
    weight = conv.conv.weight.detach()
    weight = weight if inside is None else weight[:, inside]
    weight = weight if outside is None else weight[outside]
    new = nets.Conv(weight.shape[1], weight.shape[0], weight.shape[-1], conv.conv.stride[0])
    new.conv.weight.data.copy_(weight)
    for name in ["weight", "bias", "running_mean", "running_var"]:
        value = getattr(conv.norm, name).detach()
        getattr(new.norm, name).data.copy_(value if outside is None else value[outside])
    return new


def prune(net, keep):
    chain = [layer for stage in net.stages for layer in stage]
    ends = {id(stage[-1]): lateral for stage, lateral in zip(net.stages[2:], net.lateral)}
    stays = []
    for i, layer in enumerate(chain):
        followers = [chain[i + 1].conv] if i + 1 < len(chain) else []
        if id(layer) in ends:
            followers.append(ends[id(layer)].conv)
        stays.append(kept(layer, followers, keep))
    # The neck is added up: one choice for all of its levels.
    heard = sum(head.conv.weight.detach().abs().sum((0, 2, 3)) for head in net.head)
    scale = sum(lateral.norm.weight.detach().abs() for lateral in net.lateral)
    count = min(len(scale), max(8, round(len(scale) * keep / 8) * 8))
    neck = (scale * heard).topk(count).indices.sort().values
    heads = [kept(h, [s, d], keep) for h, s, d in zip(net.head, net.score, net.sides)]

    sizes, at = [], 0
    for stage in net.stages:
        sizes.append([len(stays[at + i]) for i in range(len(stage))])
        at += len(stage)
    small = nets.Net(net.classes, nets.Widths(sizes, count, [len(h) for h in heads]))
    before, at, ends = None, 0, []
    for stage, new in zip(net.stages, small.stages):
        for i, layer in enumerate(stage):
            new[i] = shrink(layer, before, stays[at])
            before = stays[at]
            at += 1
        ends.append(before)
    for i, end in enumerate(ends[2:]):
        small.lateral[i] = shrink(net.lateral[i], end, neck)
        small.head[i] = shrink(net.head[i], neck, heads[i])
        for kind in ["score", "sides"]:
            old, new = getattr(net, kind)[i], getattr(small, kind)[i]
            new.weight.data.copy_(old.weight.detach()[:, heads[i]])
            new.bias.data.copy_(old.bias.detach())
    return small


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--net", required=True)
    p.add_argument("--keep", type=float, default=0.6, help="share of the channels that stay")
    p.add_argument("--out", required=True)
    a = p.parse_args()
    net = nets.load(a.net)
    small = prune(net, a.keep)
    for name, n in [("before", net), ("after", small)]:
        adds, count = nets.cost(n.widths, len(CLASSES), WIDTH, HEIGHT)
        print(f"{name}: {adds / 1e6:.0f} M multiply-adds, {count / 1e3:.0f} k parameters, {vars(n.widths)}")
    nets.save(a.out, small, f"pruned from {a.net}, keep {a.keep}")


if __name__ == "__main__":
    main()
