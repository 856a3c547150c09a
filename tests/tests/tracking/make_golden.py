#!/usr/bin/env python3
"""Makes golden.json: small random sequences, and what TrackEval 1.3.0 says of them.

    python3 -m venv /tmp/v && /tmp/v/bin/pip install trackeval==1.3.0 && /tmp/v/bin/python make_golden.py > golden.json
"""
import json
import random

import numpy as np
from trackeval.metrics import CLEAR, HOTA, Identity


def iou(a, b):
    def along(p, s, q, r):
        return max(0.0, min(p + s / 2, q + r / 2) - max(p - s / 2, q - r / 2))

    common = along(a[0], a[2], b[0], b[2]) * along(a[1], a[3], b[1], b[3])
    union = a[2] * a[3] + b[2] * b[3] - common
    return common / union if union > 0 else 0.0


def sequence(seed, frames, things, miss, jitter, swap, false):
    dice = random.Random(seed)
    start = [[dice.uniform(0, 300), dice.uniform(0, 200), dice.uniform(20, 60), dice.uniform(30, 90)] for _ in range(things)]
    speed = [[dice.uniform(-6, 6), dice.uniform(-4, 4)] for _ in range(things)]
    names = {i: i + 100 for i in range(things)}
    fresh = 1000
    made = []
    for n in range(frames):
        truth, told = [], []
        for i in range(things):
            if n < i or n > frames - i // 2:
                continue
            box = [round(start[i][0] + speed[i][0] * n, 2), round(start[i][1] + speed[i][1] * n, 2)] + [round(v, 2) for v in start[i][2:]]
            truth.append([i, *box])
            if dice.random() < miss:
                continue
            if dice.random() < swap:
                if dice.random() < 0.5:
                    j = dice.randrange(things)
                    names[i], names[j] = names[j], names[i]
                else:
                    fresh += 1
                    names[i] = fresh
            told.append([names[i], *[round(v + dice.gauss(0, jitter) * box[2 + (k % 2)], 2) for k, v in enumerate(box)]])
        # One number once in a picture.
        seen, unique = set(), []
        for row in told:
            if row[0] not in seen:
                seen.add(row[0])
                unique.append(row)
        for _ in range(dice.randrange(3) if false else 0):
            fresh += 1
            unique.append([fresh, round(dice.uniform(0, 300), 2), round(dice.uniform(0, 200), 2), 30.0, 40.0])
        made.append({"truth": truth, "told": unique})
    return made


def evaluate(frames):
    gt = sorted({r[0] for f in frames for r in f["truth"]})
    tr = sorted({r[0] for f in frames for r in f["told"]})
    data = {
        "num_gt_ids": len(gt),
        "num_tracker_ids": len(tr),
        "num_gt_dets": sum(len(f["truth"]) for f in frames),
        "num_tracker_dets": sum(len(f["told"]) for f in frames),
        "num_timesteps": len(frames),
        "gt_ids": [np.array([gt.index(r[0]) for r in f["truth"]], dtype=int) for f in frames],
        "tracker_ids": [np.array([tr.index(r[0]) for r in f["told"]], dtype=int) for f in frames],
        "similarity_scores": [
            np.array([[iou(a[1:], b[1:]) for b in f["told"]] for a in f["truth"]]).reshape(len(f["truth"]), len(f["told"])) for f in frames
        ],
    }
    quiet = {"PRINT_CONFIG": False}
    hota = HOTA().eval_sequence(data)
    clear = CLEAR(quiet).eval_sequence(data)
    ident = Identity(quiet).eval_sequence(data)
    return {
        "hota": float(np.mean(hota["HOTA"])),
        "deta": float(np.mean(hota["DetA"])),
        "assa": float(np.mean(hota["AssA"])),
        "mota": float(clear["MOTA"]),
        "switches": int(clear["IDSW"]),
        "false_positives": int(clear["CLR_FP"]),
        "misses": int(clear["CLR_FN"]),
        "idf1": float(ident["IDF1"]),
    }


def main():
    cases = []
    for seed, (frames, things, miss, jitter, swap, false) in enumerate(
        [(12, 4, 0.0, 0.0, 0.0, False), (15, 6, 0.1, 0.05, 0.05, True), (15, 8, 0.3, 0.12, 0.15, True), (10, 3, 0.0, 0.2, 0.5, False)]
    ):
        made = sequence(seed, frames, things, miss, jitter, swap, false)
        cases.append({"frames": made, "scores": evaluate(made)})
    print(json.dumps(cases, separators=(",", ":")))


if __name__ == "__main__":
    main()
