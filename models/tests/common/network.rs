//! ONNX networks made for tests.

use std::path::{Path, PathBuf};

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as DimValue;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, type_proto,
};

/// One output of a made-up network.
pub struct Output {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

pub fn tensor(name: &str, shape: &[usize], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        data_type: 1,
        dims: shape.iter().map(|d| *d as i64).collect(),
        raw_data: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ..TensorProto::default()
    }
}

pub fn port(name: &str, shape: &[usize]) -> ValueInfoProto {
    let dim = shape
        .iter()
        .map(|d| Dimension { denotation: String::new(), value: Some(DimValue::DimValue(*d as i64)) })
        .collect();
    let tensor = type_proto::Tensor { elem_type: 1, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            denotation: String::new(),
            value: Some(type_proto::Value::TensorType(tensor)),
        }),
        ..ValueInfoProto::default()
    }
}

pub fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.to_owned(),
        name: format!("{op}_{output}"),
        input: inputs.iter().map(|i| (*i).to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Ints as i32,
        ints: values.to_vec(),
        ..AttributeProto::default()
    }
}

pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Int as i32,
        i: value,
        ..AttributeProto::default()
    }
}

pub fn model(graph: GraphProto) -> Vec<u8> {
    let opset = OperatorSetIdProto { domain: String::new(), version: 13 };
    ModelProto { ir_version: 8, opset_import: vec![opset], graph: Some(graph), ..ModelProto::default() }
        .encode_to_vec()
}

/// A network that gives the same outputs for every input: each is a constant plus nothing times the input's largest value,
/// so that no engine can take the input away.
pub fn constant_network(input: &str, shape: &[usize], outputs: &[Output]) -> Vec<u8> {
    let mut most = node("ReduceMax", &[input], "most");
    most.attribute.push(int("keepdims", 0));
    let mut graph = GraphProto {
        name: "constant".into(),
        input: vec![port(input, shape)],
        initializer: vec![tensor("zero", &[], &[0.0])],
        node: vec![most, node("Mul", &["most", "zero"], "nothing")],
        ..GraphProto::default()
    };
    for output in outputs {
        let constant = format!("{}__constant", output.name);
        graph.initializer.push(tensor(&constant, &output.shape, &output.values));
        graph.node.push(node("Add", &[&constant, "nothing"], &output.name));
        graph.output.push(port(&output.name, &output.shape));
    }
    model(graph)
}

/// A network of one YOLOv8 head for inputs of `side` pixels that finds a person scored nine tenths of the mean of its image,
/// its box in proportion. `first` is the first dimension of all ports; `None` leaves it open.
pub fn bright_network(side: usize, first: Option<usize>) -> Vec<u8> {
    let cells: usize = [8, 16, 32].iter().map(|stride| (side / stride).pow(2)).sum();
    let mut values = vec![0.0; 6 * cells];
    for (plane, value) in [40.0, 40.0, 30.0, 30.0, 0.9].into_iter().enumerate() {
        values[plane * cells] = value;
    }
    let mut rows = node("ReduceMean", &["x"], "rows");
    rows.attribute.extend([ints("axes", &[3]), int("keepdims", 0)]);
    let mut mean = node("ReduceMean", &["rows"], "mean");
    mean.attribute.extend([ints("axes", &[1, 2]), int("keepdims", 1)]);
    let open = |name: &str, shape: &[usize]| {
        let mut port = port(name, shape);
        if let Some(type_proto::Value::TensorType(tensor)) =
            port.r#type.as_mut().and_then(|t| t.value.as_mut())
        {
            let value = match first {
                Some(images) => DimValue::DimValue(images as i64),
                None => DimValue::DimParam("images".to_owned()),
            };
            tensor.shape.as_mut().unwrap().dim[0].value = Some(value);
        }
        port
    };
    model(GraphProto {
        name: "bright".into(),
        input: vec![open("x", &[1, 3, side, side])],
        output: vec![open("y", &[1, 6, cells])],
        initializer: vec![tensor("head", &[1, 6, cells], &values)],
        node: vec![rows, mean, node("Mul", &["head", "mean"], "y")],
        ..GraphProto::default()
    })
}

/// The same, whose engine gives nothing but NaN for an image brighter than 0.8: a stand-in for an overflow.
pub fn overflowing_network(side: usize, first: Option<usize>) -> Vec<u8> {
    let mut proto = ModelProto::decode(bright_network(side, first).as_slice()).unwrap();
    let graph = proto.graph.as_mut().unwrap();
    graph.node.pop();
    graph.initializer.push(tensor("most", &[1, 1, 1], &[0.8]));
    graph.node.extend([
        node("Sub", &["most", "mean"], "left"),
        node("Sqrt", &["left"], "root"),
        node("Mul", &["head", "mean"], "plain"),
        node("Mul", &["plain", "root"], "y"),
    ]);
    proto.encode_to_vec()
}

/// Writes the bright network and its manifest, for at most `max_batch` images of `side` pixels at once; gives the manifest.
pub fn bright_model(folder: &Path, side: usize, first: Option<usize>, max_batch: usize) -> PathBuf {
    write_model(folder, &bright_network(side, first), side, max_batch)
}

/// Writes such a network and its manifest.
pub fn write_model(folder: &Path, bytes: &[u8], side: usize, max_batch: usize) -> PathBuf {
    std::fs::write(folder.join("net.onnx"), bytes).unwrap();
    let manifest = format!(
        "name = \"bright\"\nfile = \"net.onnx\"\nsha256 = \"{}\"\ntask = \"detection\"\norigin = \"made up\"\n\
         score_threshold = 0.05\nnms_iou = 0.6\nlabels = [\"person\", \"car\"]\n\
         [input]\nname = \"x\"\nwidth = {side}\nheight = {side}\ncolour = \"rgb\"\nstd = [255.0, 255.0, 255.0]\n\
         max_batch = {max_batch}\n\
         [decoder]\nkind = \"yolov8\"\nstrides = [8, 16, 32]\noutputs = [\"y\"]\n[licence]\nspdx = \"CC0-1.0\"\n",
        peregrine_models::sha256(bytes)
    );
    let path = folder.join("net.toml");
    std::fs::write(&path, manifest).unwrap();
    path
}
