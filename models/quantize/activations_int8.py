"""Static quantization of NanoDet-g for engines with fast int8 convolutions (ONNX Runtime).

    python activations_int8.py IN.fp32.onnx OUT.onnx PHOTOS_DIR

Activations u8 per tensor, weights s8 per output channel, as QuantizeLinear/DequantizeLinear pairs. The range of each
activation is the mean over the photos of its 0.01 and 99.99 percentiles: the plain minimum and maximum follow single
outliers and cost accuracy. The prediction convolutions and everything behind them stay in fp32.
"""

import argparse
import pathlib
import tempfile

import cv2
import numpy as np
import onnx
import onnx.version_converter
import onnxruntime as ort
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry
from onnxruntime.quantization.shape_inference import quant_pre_process

OPSET = 17
MEAN = np.array([103.53, 116.28, 123.675], np.float32)
STD = np.array([57.375, 57.12, 58.395], np.float32)
PERCENTILES = [0.01, 99.99]
# Percentiles of a sample of each activation: sorting all of them would take hours and change nothing.
SAMPLE = 40_000


def preprocess(bgr, side):
    height, width = bgr.shape[:2]
    ratio = min(side / height, side / width)
    new_width, new_height = int(round(width * ratio)), int(round(height * ratio))
    canvas = np.zeros((side, side, 3), np.uint8)
    canvas[:new_height, :new_width] = cv2.resize(bgr, (new_width, new_height))
    return np.ascontiguousarray(((canvas.astype(np.float32) - MEAN) / STD).transpose(2, 0, 1)[None])


def prepared(path):
    """The network at OPSET, with shapes inferred and batch norms folded."""
    with tempfile.TemporaryDirectory() as folder:
        raw, done = f"{folder}/raw.onnx", f"{folder}/done.onnx"
        model = onnx.version_converter.convert_version(onnx.load(path), OPSET)
        model.ir_version = 8
        onnx.save(model, raw)
        quant_pre_process(raw, done, skip_symbolic_shape=True)
        model = onnx.load(done)
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", OPSET))
    assert all(node.domain == "" for node in model.graph.node)
    return model


def tail(graph):
    """Names of the nodes from the outputs back to the prediction convolutions, these included."""
    makers = {output: node for node in graph.node for output in node.output}
    names, open_values = set(), [output.name for output in graph.output]
    while open_values:
        node = makers.get(open_values.pop())
        if node is None or node.name in names:
            continue
        names.add(node.name)
        if node.op_type != "Conv":
            open_values.extend(node.input)
    return names


def ranges(model, photos, side):
    """Tensor name -> (lowest, highest), 0 included."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    outputs = {output.name for output in model.graph.output}
    known = {value.name: value for value in [*model.graph.value_info, *model.graph.output]}
    for node in probe.graph.node:
        for name in node.output:
            if name in known and name not in outputs and known[name].type.tensor_type.elem_type == 1:
                probe.graph.output.append(known[name])
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(probe.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names, rng, seen = [output.name for output in session.get_outputs()], np.random.default_rng(0), {}
    for photo in sorted(photos.glob("*.jpg")):
        tensor = preprocess(cv2.imread(str(photo)), side)
        for name, values in [*zip(names, session.run(None, {"images": tensor})), ("images", tensor)]:
            values = values.ravel()
            if values.size > SAMPLE:
                values = values[rng.integers(0, values.size, SAMPLE)]
            seen.setdefault(name, []).append(np.percentile(values, PERCENTILES))
    assert seen, f"no photos in {photos}"
    return {
        name: TensorData(lowest=np.float32(min(0, low)), highest=np.float32(max(0, high)))
        for name, (low, high) in ((name, np.mean(pairs, axis=0)) for name, pairs in seen.items())
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("photos", type=pathlib.Path)
    args = parser.parse_args()
    model = prepared(args.source)
    side = model.graph.input[0].type.tensor_type.shape.dim[2].dim_value
    data = TensorsData(CalibrationMethod.MinMax, ranges(model, args.photos, side))
    operators = list(set(QLinearOpsRegistry) | set(QDQRegistry))
    quantizer = QDQQuantizer(
        model, True, False, QuantType.QInt8, QuantType.QUInt8, data, [], list(tail(model.graph)), operators, {}
    )
    quantizer.quantize_model()
    quantizer.model.save_model_to_file(args.target)
    onnx.checker.check_model(onnx.load(args.target))
    print(f"{pathlib.Path(args.target).stat().st_size} bytes -> {args.target}")


if __name__ == "__main__":
    main()
