"""What the real pycocotools says of boxes that come in as JSON: {truth: [[image, class, x, y, w, h, area, crowd]], found:
[[image, class, score, x, y, w, h]], images, classes} in, the twelve-number summary's six and the classes' out."""

import contextlib
import io
import json
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

data = json.load(sys.stdin)
coco = COCO()
coco.dataset = dict(
    images=[dict(id=i) for i in range(data["images"])],
    categories=[dict(id=i, name=str(i)) for i in range(data["classes"])],
    annotations=[
        dict(id=n + 1, image_id=int(t[0]), category_id=int(t[1]), bbox=t[2:6], area=t[6], iscrowd=int(t[7]))
        for n, t in enumerate(data["truth"])
    ],
)
results = [dict(image_id=int(f[0]), category_id=int(f[1]), score=f[2], bbox=f[3:]) for f in data["found"]]
with contextlib.redirect_stdout(io.StringIO()):
    coco.createIndex()
    judge = COCOeval(coco, coco.loadRes(results), "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
precision = judge.eval["precision"][:, :, :, 0, 2]
there = [k for k in range(data["classes"]) if precision[0, 0, k] > -1]
classes = [[k, float(precision[:, :, k].mean()), float(precision[0, :, k].mean())] for k in there]
print(json.dumps(dict(stats=[float(s) for s in judge.stats[:6]], classes=classes)))
