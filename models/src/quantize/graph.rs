//! An ONNX graph that can be changed: reading, writing, constants, and lifting old operator sets.

use std::collections::BTreeMap;

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto};

use crate::{Error, Result};

/// ONNX element types.
pub(super) const F32: i32 = 1;
pub(super) const U8: i32 = 2;
pub(super) const I8: i32 = 3;
pub(super) const I32: i32 = 6;
pub(super) const I64: i32 = 7;

/// Per-channel DequantizeLinear came with this operator set.
const OPSET: i64 = 13;

/// A network whose graph is there.
#[derive(Clone, Debug)]
pub(super) struct Network {
    proto: ModelProto,
    pub graph: GraphProto,
}

impl Network {
    /// Reads an ONNX file called `model` in messages, and lifts it to operator set 13 where it is older.
    pub fn parse(bytes: &[u8], model: &str) -> Result<Self> {
        let bad = |detail: String| Error::NotOnnx { model: model.to_owned(), detail };
        let mut proto = ModelProto::decode(bytes).map_err(|error| bad(error.to_string()))?;
        let graph = proto.graph.take().ok_or_else(|| bad("it holds no graph".to_owned()))?;
        let mut network = Self { proto, graph };
        network.name_nodes();
        network.lift().map_err(|detail| Error::Quantize { model: model.to_owned(), detail })?;
        Ok(network)
    }

    /// The ONNX file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut proto = self.proto.clone();
        proto.graph = Some(self.graph.clone());
        proto.encode_to_vec()
    }

    /// Constants by name.
    pub fn constants(&self) -> BTreeMap<&str, &TensorProto> {
        self.graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect()
    }

    /// Which nodes read each value.
    pub fn readers(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut readers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, node) in self.graph.node.iter().enumerate() {
            for input in node.input.iter().filter(|input| !input.is_empty()) {
                let list = readers.entry(input).or_default();
                if list.last() != Some(&index) {
                    list.push(index);
                }
            }
        }
        readers
    }

    /// Every node gets a name: reports and the search speak of them.
    fn name_nodes(&mut self) {
        for (index, node) in self.graph.node.iter_mut().enumerate() {
            if node.name.is_empty() {
                node.name = format!("{}_{index}", node.op_type);
            }
        }
    }

    /// To operator set 13 and IR 8.
    fn lift(&mut self) -> Result<(), String> {
        let used: Vec<String> = self.graph.node.iter().map(|node| node.domain.clone()).collect();
        let is_onnx = |domain: &str| domain.is_empty() || domain == "ai.onnx";
        self.proto.opset_import.retain(|set| is_onnx(&set.domain) || used.contains(&set.domain));
        let version =
            self.proto.opset_import.iter().find(|set| is_onnx(&set.domain)).map_or(1, |set| set.version);
        self.proto.ir_version = self.proto.ir_version.max(8);
        if version >= OPSET {
            return Ok(());
        }
        if version < 9 {
            return Err(format!("it uses operator set {version}; export it again with 13 or newer"));
        }
        let mut added = Vec::new();
        for node in &mut self.graph.node {
            lift_node(node, version, &mut added)?;
        }
        self.graph.initializer.extend(added);
        self.proto.opset_import.retain(|set| !is_onnx(&set.domain));
        self.proto.opset_import.push(OperatorSetIdProto { domain: String::new(), version: OPSET });
        Ok(())
    }
}

/// Between the operator sets 9 and 13 lists became inputs, and softmax lost its flattening.
fn lift_node(node: &mut NodeProto, version: i64, added: &mut Vec<TensorProto>) -> Result<(), String> {
    let refuse = || {
        Err(format!(
            "its {} `{}` of operator set {version} cannot be lifted; export the network again with operator set 13 or newer",
            node.op_type, node.name
        ))
    };
    let (attribute, place) = match node.op_type.as_str() {
        "Squeeze" | "Unsqueeze" | "ReduceSum" => ("axes", 1),
        "Split" => ("split", 1),
        // Equal where the axis is the last one, which their attribute has to say.
        "Softmax" | "LogSoftmax" | "Hardmax" if int(node, "axis") != Some(-1) => {
            let axis = int(node, "axis").unwrap_or(1);
            return if axis >= 2 { Ok(()) } else { refuse() };
        }
        // Their inputs were other ones.
        "Resize" | "Upsample" if version < 11 => return refuse(),
        "Clip" | "Pad" | "TopK" if version < 11 => return refuse(),
        "Slice" if version < 10 => return refuse(),
        _ => return Ok(()),
    };
    let Some(at) = node.attribute.iter().position(|a| a.name == attribute) else { return Ok(()) };
    let list = node.attribute.remove(at).ints;
    let name = format!("{}__{attribute}", node.name);
    let raw_data = list.iter().flat_map(|value| value.to_le_bytes()).collect();
    added.push(tensor(&name, I64, &[list.len()], raw_data));
    node.input.truncate(place);
    node.input.push(name);
    Ok(())
}

/// The value of an integer attribute.
pub(super) fn int(node: &NodeProto, name: &str) -> Option<i64> {
    node.attribute.iter().find(|a| a.name == name).map(|a| a.i)
}

/// The value of a float attribute.
pub(super) fn float(node: &NodeProto, name: &str) -> Option<f32> {
    node.attribute.iter().find(|a| a.name == name).map(|a| a.f)
}

/// A constant.
pub(super) fn tensor(name: &str, data_type: i32, dims: &[usize], raw_data: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        data_type,
        dims: dims.iter().map(|d| *d as i64).collect(),
        raw_data,
        ..TensorProto::default()
    }
}

/// The elements of a constant of 32 bit floats.
pub(super) fn floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    if tensor.data_type != F32 {
        return None;
    }
    if tensor.raw_data.is_empty() {
        return Some(tensor.float_data.clone());
    }
    Some(tensor.raw_data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// QuantizeLinear or DequantizeLinear; `axis` for scales per channel.
pub(super) fn linear(
    op: &str,
    name: String,
    inputs: [String; 3],
    output: String,
    axis: Option<i64>,
) -> NodeProto {
    let attribute = axis.map(|axis| AttributeProto {
        name: "axis".to_owned(),
        r#type: AttributeType::Int as i32,
        i: axis,
        ..AttributeProto::default()
    });
    NodeProto {
        op_type: op.to_owned(),
        name,
        input: inputs.into(),
        output: vec![output],
        attribute: attribute.into_iter().collect(),
        ..NodeProto::default()
    }
}
