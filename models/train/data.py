"""Labelled pictures (COCO's format, as `peregrine sim dataset` writes them) as arrays in memory.

Pictures are held as uint8 at the size of the network's input, so that an epoch costs no decoding.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ["person", "vehicle", "tree", "pole", "drone"]
WIDTH, HEIGHT, PAD = 320, 256, 114
MOST_BOXES = 48


class Pictures:
    """images [N,H,W,3] uint8 RGB; boxes [N,48,6] f32: x0, y0, x1, y1 in input pixels, class, ignored; counts [N]."""

    def __init__(self, folder, limit=None):
        folder = Path(folder)
        data = json.loads((folder / "annotations.json").read_text())
        classes = {c["id"]: CLASSES.index(c["name"]) for c in data["categories"]}
        images = data["images"][:limit]
        place = {image["id"]: i for i, image in enumerate(images)}
        self.images = np.full((len(images), HEIGHT, WIDTH, 3), PAD, np.uint8)
        self.boxes = np.zeros((len(images), MOST_BOXES, 6), np.float32)
        self.counts = np.zeros(len(images), np.int64)
        scales = []
        for i, image in enumerate(images):
            picture = Image.open(folder / "images" / image["file_name"]).convert("RGB")
            # As the detector's letterbox: top left, bilinear, the rest grey.
            scale = min(WIDTH / picture.width, HEIGHT / picture.height)
            size = round(picture.width * scale), round(picture.height * scale)
            self.images[i, : size[1], : size[0]] = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
            scales.append(scale)
        # What counts comes first, in case there are more than there is room for.
        for box in sorted(data["annotations"], key=lambda a: (a["iscrowd"], -a["area"])):
            i = place.get(box["image_id"])
            if i is None or self.counts[i] == MOST_BOXES:
                continue
            x, y, w, h = (v * scales[i] for v in box["bbox"])
            row = [x, y, x + w, y + h, classes[box["category_id"]], box["iscrowd"]]
            self.boxes[i, self.counts[i]] = row
            self.counts[i] += 1

    def __len__(self):
        return len(self.images)

    def batch(self, index, rng=None):
        """Pictures [B,3,H,W] f32 and boxes [B,48,6]; with `rng`, mirrored, in other light, blurred and noisy at random."""
        images = self.images[index].astype(np.float32)
        boxes = self.boxes[index].copy()
        if rng is not None:
            for i, picture in enumerate(images):
                images[i], boxes[i] = vary(picture, boxes[i], self.counts[index[i]], rng)
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2)), boxes


def vary(picture, boxes, count, rng):
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
        boxes[:count, [0, 2]] = WIDTH - boxes[:count, [2, 0]]
    if rng.random() < 0.25:
        picture = (picture + np.roll(picture, 1, 0) + np.roll(picture, 1, 1) + np.roll(picture, (1, 1), (0, 1))) / 4
    gain = rng.uniform(0.6, 1.4) * rng.uniform(0.9, 1.1, 3)
    picture = (picture - 114) * gain * rng.uniform(0.7, 1.25) + 114 * gain
    if rng.random() < 0.3:
        picture = picture + rng.normal(0, rng.uniform(1, 10), (HEIGHT, WIDTH, 1))
    return np.clip(picture, 0, 255).astype(np.float32), boxes
