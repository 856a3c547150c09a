"""Trains a network, alone or after a teacher: `train.py --data DIR --out FILE [--start FILE] [--teacher FILE]`."""

import argparse
import copy
import math
import time

import numpy as np
import torch

import net as nets
from data import CLASSES, HEIGHT, WIDTH, Pictures
from loss import distil, loss


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", required=True, help="folder of `peregrine sim dataset`")
    p.add_argument("--out", required=True)
    p.add_argument("--start", help="a network to go on from, for instance a pruned one")
    p.add_argument("--teacher", help="a larger network to learn from")
    p.add_argument("--epochs", type=float, default=8)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--limit", type=int)
    a = p.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    rng = np.random.default_rng(a.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    data = Pictures(a.data, a.limit)
    model = nets.load(a.start) if a.start else nets.Net(len(CLASSES))
    model = model.to(device, memory_format=torch.channels_last)
    teacher = nets.load(a.teacher).to(device, memory_format=torch.channels_last).eval() if a.teacher else None
    adds, count = nets.cost(model.widths, len(CLASSES), WIDTH, HEIGHT)
    print(f"{len(data)} pictures, {adds / 1e6:.0f} M multiply-adds, {count / 1e3:.0f} k parameters", flush=True)

    decayed = [w for w in model.parameters() if w.ndim > 1]
    others = [w for w in model.parameters() if w.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=a.rate, betas=(0.9, 0.99))
    steps = max(1, int(len(data) * a.epochs / a.batch))
    warm = min(150, steps // 10 + 1)
    schedule = lambda i: min((i + 1) / warm, 0.02 + 0.98 * (1 + math.cos(math.pi * i / steps)) / 2)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    # A moving average of the weights is what is kept: it is better than the last step's.
    mean = copy.deepcopy(model)
    where, stride = nets.points(WIDTH, HEIGHT, device)
    order, begin, said = np.empty(0, np.int64), time.time(), np.zeros(5)
    model.train()
    for step in range(steps):
        if len(order) < a.batch:
            order = np.concatenate([order, rng.permutation(len(data))])
        index, order = order[: a.batch], order[a.batch :]
        images, truth = data.batch(index, rng)
        images = torch.from_numpy(images).to(device).contiguous(memory_format=torch.channels_last)
        truth = torch.from_numpy(truth).to(device)
        with torch.autocast(device, dtype=torch.bfloat16):
            score, sides = model(images)
            if teacher is not None:
                with torch.no_grad():
                    taught = teacher(images)
        score, sides = score.float(), sides.float()
        total, parts = loss(score, sides, truth, where, stride)
        if teacher is not None:
            lesson = distil(score, sides, taught[0].float(), taught[1].float())
            total = total + lesson
            parts = (*parts, lesson.item())
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        scheduler.step()
        keep = min(0.998, (1 + step) / (20 + step))
        with torch.no_grad():
            for m, w in zip(mean.state_dict().values(), model.state_dict().values()):
                m.copy_(w) if not m.is_floating_point() else m.lerp_(w, 1 - keep)
        said[: len(parts) + 1] += [total.item(), *parts]
        if (step + 1) % 50 == 0 or step + 1 == steps:
            n = 50 if (step + 1) % 50 == 0 else (step % 50) + 1
            rest = " ".join(f"{v / n:.3f}" for v in said[: len(parts) + 1])
            print(f"{step + 1}/{steps} {time.time() - begin:.0f} s  loss {rest}", flush=True)
            said[:] = 0
        if (step + 1) % 500 == 0 or step + 1 == steps:
            # A copy: `cpu()` moves a module in place, and the mean is needed on the device for the steps to come.
            kept = copy.deepcopy(mean).cpu()
            nets.save(a.out, kept, " ".join(f"{k}={v}" for k, v in vars(a).items()))


if __name__ == "__main__":
    main()
