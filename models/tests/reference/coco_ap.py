"""AP of the reference detector on a YOLO-format photo folder, by pycocotools.

    python coco_ap.py IMAGES_DIR OUT.json NAME=KIND:MODEL.onnx[@SIDE] ...

Writes {versions, settings, photos, models: {NAME: {ap, ap50}}}.
"""

import argparse
import contextlib
import importlib.metadata
import io
import json
import pathlib

import cv2
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector import Reference

SETTINGS = dict(score_threshold=0.01, nms_iou=0.6, max_detections=100)


def ground_truth(folder):
    images, annotations = [], []
    for index, path in enumerate(sorted((folder / "images").glob("*.jpg"))):
        height, width = cv2.imread(str(path)).shape[:2]
        images.append(dict(id=index, file_name=path.name, width=width, height=height))
        label_file = folder / "labels" / f"{path.stem}.txt"
        lines = label_file.read_text().split("\n") if label_file.exists() else []
        for line in filter(str.strip, lines):
            label, cx, cy, w, h = line.split()[:5]
            w, h = float(w) * width, float(h) * height
            box = [float(cx) * width - w / 2, float(cy) * height - h / 2, w, h]
            annotations.append(
                dict(id=len(annotations) + 1, image_id=index, category_id=int(label), bbox=box, area=w * h, iscrowd=0)
            )
    return dict(images=images, annotations=annotations, categories=[dict(id=i, name=str(i)) for i in range(80)])


def score(truth, results, detail=False):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    headline = dict(ap=float(evaluation.stats[0]), ap50=float(evaluation.stats[1]))
    if not detail:
        return headline
    # [IoU thresholds, recalls, classes, areas, limits]; -1 where a class has no true box.
    precision = evaluation.eval["precision"][:, :, :, 0, 2]
    classes = [k for k in range(precision.shape[2]) if precision[0, 0, k] > -1]
    return dict(
        **headline,
        ap75=float(evaluation.stats[2]),
        small=float(evaluation.stats[3]),
        medium=float(evaluation.stats[4]),
        large=float(evaluation.stats[5]),
        classes=[[k, float(precision[:, :, k].mean()), float(precision[0, :, k].mean())] for k in classes],
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("models", nargs="+")
    args = parser.parse_args()
    truth = ground_truth(args.folder)
    report = dict(
        versions={
            p: importlib.metadata.version(p)
            for p in ("onnxruntime", "opencv-python-headless", "pycocotools", "numpy")
        },
        settings=SETTINGS,
        photos=len(truth["images"]),
        models={},
    )
    for spec in args.models:
        name, rest = spec.split("=", 1)
        kind, path = rest.split(":", 1)
        path, _, side = path.partition("@")
        detector = Reference(path, kind, int(side) if side else None)
        results = []
        for image in truth["images"]:
            photo = cv2.imread(str(args.folder / "images" / image["file_name"]))
            boxes = detector.detect(
                photo, SETTINGS["score_threshold"], SETTINGS["nms_iou"], SETTINGS["max_detections"]
            )
            results += [
                dict(image_id=image["id"], category_id=label, score=value, bbox=[float(v) for v in box])
                for label, value, *box in boxes
            ]
        report["models"][name] = score(truth, results)
        print(name, report["models"][name], flush=True)
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
