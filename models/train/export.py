"""Writes a trained network as ONNX with its manifest: `export.py --net FILE --out DIR --name NAME`.

Batch norms are folded into the convolutions, and the normalisation of the pixels goes into the manifest.
"""

import argparse
import copy
import hashlib
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import net as nets
from data import CLASSES, HEIGHT, PAD, WIDTH

MANIFEST = """# Made by models/train. RGB at {width}x{height}.
name = "{name}"
file = "{name}.onnx"
sha256 = "{sha256}"
task = "detection"
score_threshold = 0.35
nms_iou = 0.6
max_detections = 100
labels = [{labels}]
origin = "trained from nothing by models/train on pictures rendered by drone_sim (peregrine sim dataset)"

[input]
name = "images"
width = {width}
height = {height}
layout = "nchw"
element = "f32"
colour = "rgb"
scale = 1.0
mean = [114.0, 114.0, 114.0]
std = [64.0, 64.0, 64.0]

[input.letterbox]
fit = "letterbox"
align = "top-left"
pad = {pad}

[decoder]
kind = "nanodet"
strides = [8, 16, 32]
reg_max = {reg_max}
outputs = [{outputs}]

[licence]
spdx = "{licence}"
notices = []

[runtime]
onnxruntime = "1.18"
"""


class Exported(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        scores, sides = self.net.split(images)
        return *(s.sigmoid() for s in scores), *sides


def folded(net):
    net = copy.deepcopy(net).eval()
    for m in net.modules():
        if isinstance(m, nets.Conv):
            m.conv = fuse_conv_bn_eval(m.conv, m.norm)
            m.norm = nn.Identity()
    net.takes_pixels = False
    return net


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--net", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--name", required=True)
    p.add_argument("--licence", default="Apache-2.0", help="SPDX; the weights are yours")
    a = p.parse_args()
    net = nets.load(a.net)
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{a.name}.onnx"
    names = [f"{kind}_{s}" for kind in ["cls", "dis"] for s in nets.STRIDES]
    wrapped = Exported(folded(net)).eval()
    picture = torch.zeros(1, 3, HEIGHT, WIDTH)
    torch.onnx.export(
        wrapped, (picture,), path, input_names=["images"], output_names=names, opset_version=18, dynamo=True,
        external_data=False, verbose=False,
    )
    model = onnx.load(path)
    # Names of the files of whoever exported are nobody's business, and change the hash.
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    onnx.save(model, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    quoted = lambda words: ", ".join(f'"{w}"' for w in words)
    text = MANIFEST.format(
        name=a.name, sha256=sha256, labels=quoted(CLASSES), width=WIDTH, height=HEIGHT, pad=PAD,
        reg_max=nets.BINS - 1, outputs=quoted(names), licence=a.licence,
    )
    (out / f"{a.name}.toml").write_text(text)
    ops = sorted({n.op_type for n in model.graph.node})
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, {len(model.graph.node)} nodes, {ops}")


if __name__ == "__main__":
    main()
