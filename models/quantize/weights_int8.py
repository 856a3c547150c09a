"""Store the convolution weights of an fp32 ONNX network as int8, one scale per output channel.

    python weights_int8.py IN.fp32.onnx OUT.onnx [--dynamic]

Each Conv weight w[o, ...] becomes q = round(w / s[o]), s[o] = max|w[o]| / 127, followed by a DequantizeLinear with
axis 0. A runtime folds that node into an fp32 constant when it loads the file, so the network runs in fp32 at fp32
speed from a file a quarter of the size. Activations are untouched: no calibration photos are needed. Meant for
runtimes whose int8 kernels are slower than their fp32 ones (tract, measured in ../README.md).

--dynamic also replaces the fixed input height and width by the symbols `height` and `width`, so that one file serves
every input size; the manifest then says the size. Only right for networks whose reshapes hold no baked sizes, which
is checked by running the result in ONNX Runtime at two sizes.
"""

import argparse

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper


def per_channel_int8(weights):
    """q int8 [o, ...] and s float32 [o] with weights ~ q * s."""
    peak = np.abs(weights.reshape(weights.shape[0], -1)).max(axis=1)
    scale = np.where(peak > 0, peak / 127.0, 1.0).astype(np.float32)
    shape = (-1,) + (1,) * (weights.ndim - 1)
    return np.clip(np.rint(weights / scale.reshape(shape)), -127, 127).astype(np.int8), scale


def quantize(model):
    """Rewrite every fp32 Conv weight of the graph in place; gives the number of rewritten weights."""
    graph = model.graph
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    dequantize = []
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        tensor = initializers.get(node.input[1])
        if tensor is None or tensor.data_type != onnx.TensorProto.FLOAT or f"{tensor.name}_q" in initializers:
            continue
        q, scale = per_channel_int8(numpy_helper.to_array(tensor))
        name = tensor.name
        for part, values in (("q", q), ("s", scale), ("z", np.zeros(len(scale), np.int8))):
            graph.initializer.append(numpy_helper.from_array(values, f"{name}_{part}"))
            initializers[f"{name}_{part}"] = graph.initializer[-1]
        graph.initializer.remove(tensor)
        dequantize.append(
            helper.make_node(
                "DequantizeLinear", [f"{name}_q", f"{name}_s", f"{name}_z"], [name], name=f"{name}_dequantize", axis=0
            )
        )
    for i, node in enumerate(dequantize):
        graph.node.insert(i, node)
    return len(dequantize)


def make_dynamic(model):
    """Input height and width become symbols; sizes derived from them are dropped."""
    dims = model.graph.input[0].type.tensor_type.shape.dim
    dims[2].dim_param, dims[3].dim_param = "height", "width"
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"cells_{output.name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--dynamic", action="store_true")
    args = parser.parse_args()
    model = onnx.load(args.source)
    count = quantize(model)
    if args.dynamic:
        make_dynamic(model)
    onnx.checker.check_model(model)
    onnx.save(model, args.target)
    session = ort.InferenceSession(args.target, providers=["CPUExecutionProvider"])
    for size in (320, 416) if args.dynamic else ():
        outputs = session.run(None, {session.get_inputs()[0].name: np.zeros((1, 3, size, size), np.float32)})
        assert sum(o.shape[1] for o in outputs) == 2 * sum((size // s) ** 2 for s in (8, 16, 32))
    print(f"{count} weights as int8 -> {args.target}")


if __name__ == "__main__":
    main()
