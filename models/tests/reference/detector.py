"""The independent reference the Rust detector is compared with: OpenCV, NumPy and ONNX Runtime, no code of ours.

Boxes are [x, y, width, height] in source pixels, origin at the top left corner of the top left pixel.
"""

import cv2
import numpy as np
import onnxruntime as ort

# name: (input side, pixel order kept BGR, pad, mean, std, stretch)
PREPROCESS = {
    "nanodet": dict(pad=0, mean=(103.53, 116.28, 123.675), std=(57.375, 57.12, 58.395), stretch=False),
    "yolox": dict(pad=114, mean=(0, 0, 0), std=(1, 1, 1), stretch=False),
    "fastestdet": dict(pad=0, mean=(0, 0, 0), std=(255, 255, 255), stretch=True),
}


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def preprocess(bgr, side, pad, mean, std, stretch):
    """NCHW float32 tensor and the source pixels per network pixel along x and y."""
    height, width = bgr.shape[:2]
    if stretch:
        new_width, new_height = side, side
    else:
        ratio = min(side / height, side / width)
        new_width, new_height = int(round(width * ratio)), int(round(height * ratio))
    canvas = np.full((side, side, 3), pad, np.uint8)
    canvas[:new_height, :new_width] = cv2.resize(bgr, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
    tensor = (canvas.astype(np.float32) - np.float32(mean)) / np.float32(std)
    return np.ascontiguousarray(tensor.transpose(2, 0, 1)[None]), width / new_width, height / new_height


def grid(side_y, side_x):
    y, x = np.mgrid[0:side_y, 0:side_x]
    return x.ravel().astype(np.float64), y.ravel().astype(np.float64)


def decode_nanodet(outputs, side, strides=(8, 16, 32)):
    """outputs: name -> array; cls already sigmoid, dis = 4 sides x bins of logits."""
    corners, scores = [], []
    for stride in strides:
        cls = outputs[f"cls_{stride}"][0].astype(np.float64)
        dis = outputs[f"dis_{stride}"][0].astype(np.float64)
        cells = -(-side // stride)
        x, y = grid(cells, cells)
        bins = dis.shape[1] // 4
        logits = dis.reshape(-1, 4, bins)
        weights = np.exp(logits - logits.max(axis=2, keepdims=True))
        weights /= weights.sum(axis=2, keepdims=True)
        distance = (weights * np.arange(bins)).sum(axis=2) * stride
        cx, cy = (x + 0.5) * stride, (y + 0.5) * stride
        box = np.stack([cx - distance[:, 0], cy - distance[:, 1], cx + distance[:, 2], cy + distance[:, 3]], 1)
        corners.append(np.clip(box, 0, side))
        scores.append(cls)
    return np.concatenate(corners), np.concatenate(scores)


def decode_yolox(outputs, side, strides=(8, 16, 32)):
    raw = next(iter(outputs.values()))[0].astype(np.float64)
    corners, start = [], 0
    for stride in strides:
        cells = side // stride
        x, y = grid(cells, cells)
        part = raw[start : start + cells * cells]
        start += cells * cells
        cx, cy = (part[:, 0] + x) * stride, (part[:, 1] + y) * stride
        w, h = np.exp(part[:, 2]) * stride, np.exp(part[:, 3]) * stride
        corners.append(np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], 1))
    return np.concatenate(corners), raw[:, 4:5] * raw[:, 5:]


def decode_fastestdet(outputs, side):
    raw = next(iter(outputs.values()))[0].astype(np.float64)
    cells = raw.shape[1]
    raw = raw.reshape(raw.shape[0], -1).T
    x, y = grid(cells, cells)
    cx, cy = (np.tanh(raw[:, 1]) + x) / cells * side, (np.tanh(raw[:, 2]) + y) / cells * side
    w, h = sigmoid(raw[:, 3]) * side, sigmoid(raw[:, 4]) * side
    corners = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], 1)
    return corners, raw[:, 0:1] ** 0.6 * raw[:, 5:] ** 0.4


DECODE = {"nanodet": decode_nanodet, "yolox": decode_yolox, "fastestdet": decode_fastestdet}


def iou(box, boxes):
    x0, y0 = np.maximum(box[0], boxes[:, 0]), np.maximum(box[1], boxes[:, 1])
    x1, y1 = np.minimum(box[2], boxes[:, 2]), np.minimum(box[3], boxes[:, 3])
    inter = np.maximum(0, x1 - x0) * np.maximum(0, y1 - y0)
    area = lambda b: (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    union = area(box) + area(boxes) - inter
    return np.where(union > 0, inter / np.where(union > 0, union, 1), 0)


def select(corners, scores, threshold, nms_iou, limit):
    """The best class of each cell, greedy class-aware suppression: rows (class, score, x0, y0, x1, y1), best first."""
    label, best = scores.argmax(1), scores.max(1)
    solid = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
    keep = np.flatnonzero((best >= threshold) & solid)
    order = keep[np.argsort(-best[keep], kind="stable")]
    chosen = []
    for i in order:
        same = [j for j in chosen if label[j] == label[i]]
        if same and (iou(corners[i], corners[same]) > nms_iou).any():
            continue
        chosen.append(i)
        if len(chosen) == limit:
            break
    return [(int(label[i]), float(best[i]), *map(float, corners[i])) for i in chosen]


class Reference:
    def __init__(self, path, kind, side=None, threads=1):
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.kind, self.input = kind, self.session.get_inputs()[0].name
        self.side = side or self.session.get_inputs()[0].shape[2]
        self.names = [o.name for o in self.session.get_outputs()]

    def detect(self, bgr, threshold=0.01, nms_iou=0.6, limit=100):
        height, width = bgr.shape[:2]
        tensor, sx, sy = preprocess(bgr, self.side, **PREPROCESS[self.kind])
        outputs = dict(zip(self.names, self.session.run(None, {self.input: tensor})))
        corners, scores = DECODE[self.kind](outputs, self.side)
        boxes = []
        for label, score, x0, y0, x1, y1 in select(corners, scores, threshold, nms_iou, limit):
            x0, x1 = np.clip([x0 * sx, x1 * sx], 0, width)
            y0, y1 = np.clip([y0 * sy, y1 * sy], 0, height)
            boxes.append((label, score, x0, y0, x1 - x0, y1 - y0))
        return boxes
