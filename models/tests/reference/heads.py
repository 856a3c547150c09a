"""Made-up outputs of heads whose weights cannot be shipped, and what they mean, worked out with NumPy alone after the
papers and the exporters' documentation. Seeded: running it again gives the same file.

    python heads.py OUT.json
"""

import json
import pathlib
import sys

import numpy as np

from detector import iou, select, sigmoid

CLASSES, SIDE, THRESHOLD, NMS_IOU = 5, 64, 0.25, 0.6


def rounded(array):
    return np.round(np.asarray(array, np.float32), 4).astype(np.float32)


def corners(cxcywh):
    cx, cy, w, h = np.moveaxis(np.asarray(cxcywh, np.float64), -1, 0)
    return np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], -1)


def boxes(rng, count):
    centre = rng.uniform(4, SIDE - 4, (count, 2))
    return np.concatenate([centre, rng.uniform(4, 36, (count, 2))], 1)


def pack(rows, clip=True):
    """Rows (class, score, x0, y0, x1, y1), best first, clipped to the picture."""
    out = []
    for label, score, *box in sorted(rows, key=lambda row: -row[1]):
        x0, y0, x1, y1 = np.clip(box, 0, SIDE)
        if x1 > x0 and y1 > y0:
            out.append([int(label), float(score), float(x0), float(y0), float(x1 - x0), float(y1 - y0)])
    return out


def suppress(rows):
    """Greedy and class by class, of rows (class, score, x0, y0, x1, y1)."""
    kept = []
    for row in sorted(rows, key=lambda row: -row[1]):
        same = np.array([k[2:] for k in kept if k[0] == row[0]])
        if len(same) and (iou(np.array(row[2:]), same) > NMS_IOU).any():
            continue
        kept.append(row)
    return kept


def yolov8(rng):
    cells = sum((SIDE // s) ** 2 for s in (8, 16, 32))
    values = rounded(np.concatenate([boxes(rng, cells).T, rng.random((CLASSES, cells)) ** 6], 0)[None])
    planes = values[0].astype(np.float64)
    clipped = np.clip(corners(planes[:4].T), 0, SIDE)
    return dict(outputs=dict(output0=values), expected=pack(select(clipped, planes[4:].T, THRESHOLD, NMS_IOU, 100)))


def centernet(rng):
    n = SIDE // 4
    heat = rounded(rng.normal(-3, 1.5, (1, CLASSES, n, n)))
    size, offset = rounded(rng.uniform(1, 8, (1, 2, n, n))), rounded(rng.random((1, 2, n, n)))
    rows = []
    padded = np.pad(heat[0], ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    for label, y, x in np.ndindex(CLASSES, n, n):
        value = heat[0, label, y, x]
        score = sigmoid(float(value))
        if value < padded[label, y : y + 3, x : x + 3].max() or score < THRESHOLD:
            continue
        cx, cy = (x + float(offset[0, 0, y, x])) * 4, (y + float(offset[0, 1, y, x])) * 4
        w, h = float(size[0, 0, y, x]) * 4, float(size[0, 1, y, x]) * 4
        rows.append((label, score, *np.clip(corners([cx, cy, w, h]), 0, SIDE)))
    return dict(outputs=dict(hm=heat, wh=size, reg=offset), expected=pack(suppress(rows)))


def ssd(rng):
    count = 20
    box = corners(boxes(rng, count)) / SIDE
    scores = rounded(np.sort(rng.random((1, count)))[:, ::-1])
    scores[0, 15:] = 0
    classes = rounded(rng.integers(1, CLASSES + 1, (1, count)))
    tensor = rounded(box[None][:, :, [1, 0, 3, 2]])
    rows = [
        (classes[0, i] - 1, float(scores[0, i]), *(tensor[0, i, [1, 0, 3, 2]].astype(np.float64) * SIDE))
        for i in range(count)
        if scores[0, i] >= THRESHOLD
    ]
    return dict(outputs=dict(boxes=tensor, scores=scores, classes=classes), expected=pack(rows))


def end_to_end(rng):
    count = 20
    box = corners(boxes(rng, count))
    rows = np.concatenate([box, np.sort(rng.random((count, 1)), 0)[::-1], rng.integers(0, CLASSES, (count, 1))], 1)
    tensor = rounded(rows[None])
    found = [(r[5], float(r[4]), *r[:4].astype(np.float64)) for r in tensor[0] if r[4] >= THRESHOLD]
    return dict(outputs=dict(output0=tensor), expected=pack(found))


def detr(rng):
    count = 30
    logits, box = rounded(rng.normal(-2.5, 1.2, (1, count, CLASSES))), rounded(boxes(rng, count)[None] / SIDE)
    best = sigmoid(logits[0].astype(np.float64))
    rows = [
        (best[i].argmax(), best[i].max(), *(corners(box[0, i]) * SIDE)) for i in range(count) if best[i].max() >= THRESHOLD
    ]
    return dict(outputs=dict(pred_logits=logits, pred_boxes=box), expected=pack(rows))


def detr_joint(rng):
    count = 30
    values = rounded(np.concatenate([boxes(rng, count) / SIDE, rng.random((count, CLASSES)) ** 4], 1)[None])
    rows = [
        (r[4:].argmax(), r[4:].max(), *(corners(r[:4]) * SIDE))
        for r in values[0].astype(np.float64)
        if r[4:].max() >= THRESHOLD
    ]
    return dict(outputs=dict(output0=values), expected=pack(rows))


def main():
    heads = {}
    for make in (yolov8, centernet, ssd, end_to_end, detr, detr_joint):
        head = make(np.random.default_rng(20261128))
        assert len(head["expected"]) >= 5, make
        head["outputs"] = [
            dict(name=name, shape=list(value.shape), values=[float(v) for v in np.round(value.ravel().astype(np.float64), 4)])
            for name, value in head["outputs"].items()
        ]
        heads[make.__name__] = head
    pathlib.Path(sys.argv[1]).write_text(
        json.dumps(dict(classes=CLASSES, side=SIDE, threshold=THRESHOLD, heads=heads), separators=(",", ":")) + "\n"
    )


if __name__ == "__main__":
    main()
