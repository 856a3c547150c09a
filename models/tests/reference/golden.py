"""Golden values for the Rust tests, made with NumPy, OpenCV and pycocotools alone. Seeded: running it again gives the
same files.

    python golden.py OUT_DIR
"""

import json
import pathlib
import sys

import cv2
import numpy as np

from coco_ap import score
from detector import DECODE, preprocess, select, sigmoid

CLASSES, SIDE = 3, 64


def flat(array):
    return [float(f"{v:.6g}") for v in np.asarray(array, np.float32).ravel()]


def decoders(rng):
    cases = []
    for kind in ("nanodet", "yolox", "fastestdet"):
        if kind == "nanodet":
            outputs = {}
            for stride in (8, 16, 32):
                cells = (SIDE // stride) ** 2
                outputs[f"cls_{stride}"] = sigmoid(rng.normal(-2, 1.5, (1, cells, CLASSES)))
            for stride in (8, 16, 32):
                cells = (SIDE // stride) ** 2
                outputs[f"dis_{stride}"] = rng.normal(0, 2, (1, cells, 4 * 5))
        elif kind == "yolox":
            cells = sum((SIDE // s) ** 2 for s in (8, 16, 32))
            raw = rng.normal(0, 0.7, (1, cells, 5 + CLASSES))
            raw[..., 4:] = sigmoid(raw[..., 4:] * 2)
            outputs = {"output": raw}
        else:
            raw = rng.normal(0, 1, (1, 5 + CLASSES, 4, 4))
            raw[:, 0] = sigmoid(raw[:, 0])
            raw[:, 5:] = np.exp(raw[:, 5:]) / np.exp(raw[:, 5:]).sum(1, keepdims=True)
            outputs = {"758": raw}
        # The numbers in the file are what both sides decode.
        outputs = {k: np.array(flat(v), np.float32).reshape(v.shape) for k, v in outputs.items()}
        corners, scores = DECODE[kind](outputs, SIDE)
        corners = np.clip(corners, 0, SIDE)
        boxes = select(corners, scores, 0.3, 0.5, 20)
        assert len(boxes) >= 5, kind
        cases.append(dict(kind=kind, outputs={k: flat(v) for k, v in outputs.items()}, boxes=boxes))
    return dict(side=SIDE, classes=CLASSES, threshold=0.3, nms_iou=0.5, limit=20, cases=cases)


def images(rng):
    """Small pictures and the letterboxed planes OpenCV makes of them, as hex strings."""
    cases = []
    for width, height in ((40, 26), (18, 34), (9, 7), (64, 64)):
        noise = rng.integers(0, 256, (height // 4 + 2, width // 4 + 2, 3), np.uint8)
        bgr = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        for stretch, pad in ((False, 114), (True, 0)):
            # With no normalisation the tensor holds OpenCV's bytes.
            tensor, _, _ = preprocess(bgr, 32, pad, (0, 0, 0), (1, 1, 1), stretch)
            planes = tensor.astype(np.uint8).tobytes().hex()
            cases.append(
                dict(width=width, height=height, stretch=stretch, pad=pad, bgr=bgr.tobytes().hex(), planes=planes)
            )
    return dict(side=32, cases=cases)


def nv12(rng):
    """A frame in NV12 and what OpenCV makes of it in BGR."""
    width, height = 24, 16
    luma = cv2.resize(rng.integers(16, 236, (6, 8), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    chroma = cv2.resize(rng.integers(80, 176, (4, 4, 2), np.uint8), (width // 2, height // 2))
    frame = np.concatenate([luma, chroma.reshape(height // 2, width)])
    yuyv = np.zeros((height, width, 2), np.uint8)
    yuyv[..., 0] = luma
    yuyv[:, 0::2, 1] = chroma.repeat(2, 0)[..., 0]
    yuyv[:, 1::2, 1] = chroma.repeat(2, 0)[..., 1]
    return dict(
        width=width,
        height=height,
        nv12=frame.tobytes().hex(),
        nv12_bgr=cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_NV12).tobytes().hex(),
        yuyv=yuyv.tobytes().hex(),
        yuyv_bgr=cv2.cvtColor(yuyv, cv2.COLOR_YUV2BGR_YUY2).tobytes().hex(),
    )


def scorer(rng):
    """Made-up photos, truths and noisy detections, and pycocotools' verdict on them."""
    truth, found = [], []
    for image in range(30):
        for _ in range(int(rng.integers(0, 9))):
            label = int(rng.integers(0, 6))
            w, h = np.exp(rng.uniform(np.log(6), np.log(200), 2))
            box = [round(float(v), 2) for v in (rng.uniform(0, 400), rng.uniform(0, 300), w, h)]
            # A mask covers a part of its box; one in twelve is a crowd.
            area = round(box[2] * box[3] * float(rng.uniform(0.5, 1)), 2)
            truth.append([image, label, *box, area, int(rng.random() < 1 / 12)])
            for _ in range(int(rng.integers(0, 4))):
                jitter = rng.normal(0, 0.12, 4) * np.array([box[2], box[3], box[2], box[3]])
                near = [round(float(max(1, b + j)), 2) for b, j in zip(box, jitter)]
                wrong = rng.random() < 0.1
                found.append([image, (label + 1) % 6 if wrong else label, round(float(rng.random()), 4), *near])
        for _ in range(int(rng.integers(0, 120 if image == 3 else 6))):
            box = [round(float(v), 2) for v in rng.uniform(2, 300, 4)]
            found.append([image, int(rng.integers(0, 6)), round(float(rng.random() * 0.7), 4), *box])
    dataset = dict(
        images=[dict(id=i, width=640, height=480) for i in range(30)],
        annotations=[
            dict(id=n + 1, image_id=t[0], category_id=t[1], bbox=t[2:6], area=t[6], iscrowd=t[7])
            for n, t in enumerate(truth)
        ],
        categories=[dict(id=i, name=str(i)) for i in range(6)],
    )
    results = [dict(image_id=f[0], category_id=f[1], score=f[2], bbox=f[3:]) for f in found]
    return dict(classes=6, truth=truth, detections=found, expected=score(dataset, results, detail=True))


def main():
    out, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:]
    for name, make in (("decoders", decoders), ("images", images), ("nv12", nv12), ("scorer", scorer)):
        if wanted and name not in wanted:
            continue
        text = json.dumps(make(np.random.default_rng(20261123)), separators=(",", ":"))
        (out / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
