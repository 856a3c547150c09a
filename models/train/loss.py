"""What the network should answer, and how wrong it is.

Cells are assigned to boxes by how well they do already: score times IoU^6 (Feng et al. 2021, TOOD, arXiv:2108.07755).
Scores learn the IoU of their box (quality focal), sides a distribution (distribution focal) and the IoU itself (GIoU)
(Li et al. 2020, arXiv:2006.04388; Rezatofighi et al. 2019, arXiv:1902.09630).
"""

import torch
from torch.nn import functional as F

from net import BINS, boxes as corners

TOP = 9
EPS = 1e-7


def iou(a, b, generalized=False):
    """Of corners [..., 4], elementwise."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    area = lambda c: (c[..., 2:] - c[..., :2]).clamp(min=0).prod(-1)
    union = area(a) + area(b) - both + EPS
    share = both / union
    if not generalized:
        return share
    low, high = torch.minimum(a[..., :2], b[..., :2]), torch.maximum(a[..., 2:], b[..., 2:])
    hull = (high - low).prod(-1) + EPS
    return share - (hull - union) / hull


@torch.no_grad()
def assign(score, found, truth, where, stride):
    """Targets for each cell: scores [B,A,C], box [B,A,4], whether positive [B,A], which class scores count [B,A,C]."""
    batch, cells, classes = score.shape
    kind = truth[..., 4].long()
    real = (truth[..., 2] > truth[..., 0]) & (truth[..., 5] == 0)
    crowd = (truth[..., 2] > truth[..., 0]) & (truth[..., 5] > 0)
    x, y = where[:, 0].view(1, 1, -1), where[:, 1].view(1, 1, -1)
    x0, y0, x1, y1 = (truth[..., i : i + 1] for i in range(4))
    inside = (x > x0) & (x < x1) & (y > y0) & (y < y1)
    # Thin things hold no centre of a coarse cell: the cells around their middle serve.
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    near = ((x - cx).abs() < stride.view(1, 1, -1) * 0.75) & ((y - cy).abs() < stride.view(1, 1, -1) * 0.75)
    # A side farther away than the bins reach cannot be told.
    reach = torch.maximum(torch.maximum(x - x0, x1 - x), torch.maximum(y - y0, y1 - y))
    able = reach < stride.view(1, 1, -1) * (BINS - 1)
    may = (inside | near) & able & real[..., None]
    overlap = iou(found[:, None], truth[:, :, None, :4])
    of_kind = score.sigmoid().transpose(1, 2).gather(1, kind[..., None].expand(-1, -1, cells))
    # Squares by hand: a power of six is slow.
    cubed = overlap * overlap * overlap
    fit = (of_kind + 1e-3) * cubed * cubed
    # While nothing is learned yet, the nearest cells are the best.
    away = ((x - cx) ** 2 + (y - cy) ** 2) / stride.view(1, 1, -1) ** 2
    fit = torch.where(may, fit + 1e-9 / (1 + away), torch.zeros_like(fit))
    best, at = fit.topk(TOP, -1)
    chosen = torch.zeros_like(fit).scatter_(-1, at, (best > 0).to(fit.dtype)) > 0
    # A cell that several want goes to the one that it fits best.
    owner = torch.where(chosen, fit, torch.full_like(fit, -1)).argmax(1)
    positive = chosen.any(1)
    pick = lambda v: v.gather(1, owner[..., None].expand(-1, -1, v.shape[-1]))
    box, label = pick(truth[..., :4]), kind.gather(1, owner)
    fit = fit.gather(1, owner[:, None]).squeeze(1) * positive
    share = overlap.gather(1, owner[:, None]).squeeze(1) * positive
    # The best cell of each box should score that box's IoU, the others less in proportion.
    top = torch.zeros(batch, truth.shape[1], device=fit.device).scatter_reduce(1, owner, fit, "amax")
    high = torch.zeros(batch, truth.shape[1], device=fit.device).scatter_reduce(1, owner, share, "amax")
    want = fit / (top.gather(1, owner) + EPS * 1e-6) * high.gather(1, owner)
    target = F.one_hot(label, classes) * (want * positive)[..., None]
    hidden = (inside & crowd[..., None]).to(score.dtype)
    hidden = torch.einsum("bgc,bga->bac", F.one_hot(kind, classes).to(score.dtype), hidden) > 0
    counts = ~(hidden & ~positive[..., None])
    return target, box, positive, counts


def loss(score, sides, truth, where, stride):
    """The sum of the parts, and the parts."""
    found = corners(sides, where, stride)
    target, box, positive, counts = assign(score, found, truth, where, stride)
    total = target.sum().clamp(min=1.0)
    wrong = (score.sigmoid() - target).abs()
    quality = F.binary_cross_entropy_with_logits(score, target, reduction="none") * wrong * wrong * counts
    weight = target.sum(-1)[positive]
    giou = ((1 - iou(found[positive], box[positive], generalized=True)) * weight).sum() / total
    centre = where.expand(len(box), -1, -1)[positive]
    unit = stride.expand(len(box), -1, -1)[positive]
    reach = torch.cat([centre - box[positive][:, :2], box[positive][:, 2:] - centre], -1) / unit
    reach = reach.clamp(0, BINS - 1.01)
    low = reach.long()
    part = sides[positive].unflatten(-1, (4, BINS)).log_softmax(-1)
    share = reach - low
    spread = -(part.gather(-1, low[..., None])[..., 0] * (1 - share)) - part.gather(-1, low[..., None] + 1)[..., 0] * share
    spread = (spread.mean(-1) * weight).sum() / total
    quality = quality.sum() / total
    return quality + 2.0 * giou + 0.5 * spread, (quality.item(), giou.item(), spread.item())


def distil(score, sides, teacher_score, teacher_sides):
    """How far a student is from its teacher where the teacher sees something; where it sees nothing it may be blind."""
    taught = teacher_score.sigmoid()
    weight = taught.amax(-1)
    seen = weight > 0.05
    total = weight[seen].sum().clamp(min=1.0)
    gap = (score.sigmoid() - taught).abs()
    scores = (F.binary_cross_entropy_with_logits(score, taught, reduction="none") * gap * gap)[seen]
    split = lambda s: s.unflatten(-1, (4, BINS)).log_softmax(-1)
    sides = F.kl_div(split(sides), split(teacher_sides), log_target=True, reduction="none").sum(-1).mean(-1)
    return scores.sum() / total + 0.5 * (sides * weight)[seen].sum() / total
