//! A first look at an ONNX file: is it one, and what goes in and comes out.

use tract_onnx::pb::type_proto::Value as TypeValue;
use tract_onnx::pb::{
    GraphProto, NodeProto, TensorProto, ValueInfoProto, tensor_shape_proto::dimension::Value as DimValue,
};
use tract_onnx::prelude::Framework;

use crate::{Error, Result};

/// One input or output of a graph. `None` is a dimension left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    pub name: String,
    pub shape: Vec<Option<usize>>,
    /// ONNX element type: 1 is f32, 2 is u8.
    pub element: i32,
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` ", self.name)?;
        write_shape(f, &self.shape)
    }
}

fn write_shape(f: &mut std::fmt::Formatter<'_>, shape: &[Option<usize>]) -> std::fmt::Result {
    write!(f, "[")?;
    for (index, dim) in shape.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        match dim {
            Some(length) => write!(f, "{comma}{length}")?,
            None => write!(f, "{comma}?")?,
        }
    }
    write!(f, "]")
}

/// A shape as messages print it.
pub(crate) struct Shape<'a>(pub &'a [Option<usize>]);

impl std::fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_shape(f, self.0)
    }
}

/// The inputs and outputs of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    /// Weights are stored as integers and nothing is computed in them: there are DequantizeLinear nodes and no
    /// QuantizeLinear nodes.
    pub stored_int8: bool,
}

impl Ports {
    /// Reads them from the bytes of an ONNX file called `model` in messages.
    pub fn read(bytes: &[u8], model: &str) -> Result<Self> {
        let bad = |detail: String| Error::NotOnnx { model: model.to_owned(), detail };
        if bytes.is_empty() {
            return Err(bad("the file is empty".to_owned()));
        }
        let proto = tract_onnx::onnx().proto_model_for_read(&mut &bytes[..]).map_err(|error| {
            bad(format!("{} bytes that do not decode ({})", bytes.len(), first_line(&error)))
        })?;
        // An engine would read these from the folder it was started in, unhashed and unsigned.
        let functions = proto.functions.iter().flat_map(|function| &function.node);
        let training = proto.training_info.iter().flat_map(|t| t.initialization.iter().chain(&t.algorithm));
        proto.graph.iter().chain(training).try_for_each(graph_is_whole).map_err(bad)?;
        functions.into_iter().try_for_each(node_is_whole).map_err(bad)?;
        let graph = proto.graph.ok_or_else(|| bad("it holds no graph".to_owned()))?;
        // Files of old exporters list the weights among the inputs.
        let fed = graph.input.iter().filter(|port| !graph.initializer.iter().any(|w| w.name == port.name));
        let has = |op: &str| graph.node.iter().any(|node| node.op_type == op);
        let ports = Self {
            inputs: fed.map(port).collect(),
            outputs: graph.output.iter().map(port).collect(),
            stored_int8: has("DequantizeLinear") && !has("QuantizeLinear"),
        };
        complete(&graph).map_err(bad)?;
        if ports.inputs.is_empty() || ports.outputs.is_empty() {
            return Err(bad("its graph has no inputs or no outputs".to_owned()));
        }
        Ok(ports)
    }

    /// Both lists, for messages.
    pub fn describe(&self) -> String {
        let list = |ports: &[Port]| ports.iter().map(Port::to_string).collect::<Vec<_>>().join(", ");
        format!("inputs {} and outputs {}", list(&self.inputs), list(&self.outputs))
    }
}

fn port(info: &ValueInfoProto) -> Port {
    let tensor =
        info.r#type.as_ref().and_then(|t| t.value.as_ref()).map(|TypeValue::TensorType(tensor)| tensor);
    let dims =
        tensor.and_then(|tensor| tensor.shape.as_ref()).map(|shape| shape.dim.as_slice()).unwrap_or_default();
    let length = |value: &Option<DimValue>| match value {
        Some(DimValue::DimValue(length)) => usize::try_from(*length).ok().filter(|length| *length > 0),
        _ => None,
    };
    Port {
        name: info.name.clone(),
        shape: dims.iter().map(|dim| length(&dim.value)).collect(),
        element: tensor.map_or(0, |tensor| tensor.elem_type),
    }
}

fn graph_is_whole(graph: &GraphProto) -> Result<(), String> {
    let sparse = graph.sparse_initializer.iter().flat_map(|s| s.values.iter().chain(&s.indices));
    graph.initializer.iter().chain(sparse).try_for_each(tensor_is_whole)?;
    graph.node.iter().try_for_each(node_is_whole)
}

fn node_is_whole(node: &NodeProto) -> Result<(), String> {
    // A graph compiled for one provider lies beside the file unless the node says that it is embedded.
    let embedded = node.attribute.iter().all(|a| a.name != "embed_mode" || a.i == 1);
    if node.op_type == "EPContext" && !embedded {
        return Err(format!("the compiled part `{}` lies in another file, {OUTSIDE}", node.name));
    }
    for attribute in &node.attribute {
        let sparse = attribute.sparse_tensor.iter().chain(&attribute.sparse_tensors);
        let sparse = sparse.flat_map(|s| s.values.iter().chain(&s.indices));
        attribute.t.iter().chain(&attribute.tensors).chain(sparse).try_for_each(tensor_is_whole)?;
        attribute.g.iter().chain(&attribute.graphs).try_for_each(graph_is_whole)?;
    }
    Ok(())
}

fn tensor_is_whole(tensor: &TensorProto) -> Result<(), String> {
    if tensor.data_location.unwrap_or_default() == 0 && tensor.external_data.is_empty() {
        return Ok(());
    }
    Err(format!("the weight `{}` lies in another file, {OUTSIDE}", tensor.name))
}

const OUTSIDE: &str = "which no hash covers: save the network as one file";

/// Whether every weight holds as many bytes as its shape says. A file cut off between two fields still decodes.
fn complete(graph: &GraphProto) -> Result<(), String> {
    for weight in &graph.initializer {
        let size = match weight.data_type {
            1 | 6 | 12 => 4,
            2 | 3 | 9 => 1,
            7 | 11 | 13 => 8,
            5 | 4 | 10 => 2,
            _ => continue,
        };
        let mut elements = 1usize;
        for dim in &weight.dims {
            let length = usize::try_from(*dim)
                .map_err(|_| format!("the weight `{}` has a negative size", weight.name))?;
            elements = elements.checked_mul(length).ok_or("a weight has an absurd size")?;
        }
        let bytes = elements.checked_mul(size).ok_or("a weight has an absurd size")?;
        if !weight.raw_data.is_empty() && weight.raw_data.len() != bytes {
            return Err(format!(
                "the weight `{}` has {} bytes and its shape needs {bytes}",
                weight.name,
                weight.raw_data.len()
            ));
        }
    }
    Ok(())
}

/// The first line of an engine's message: the rest is a chain of contexts nobody can act on.
pub(crate) fn first_line(error: &impl std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use tract_onnx::pb::{
        AttributeProto, FunctionProto, ModelProto, SparseTensorProto, StringStringEntryProto,
    };

    use super::*;

    #[test]
    fn weights_in_other_files_are_refused_wherever_they_are_named() {
        let outside = || TensorProto { name: "w".into(), data_location: Some(1), ..TensorProto::default() };
        let listed = || {
            let location = StringStringEntryProto { key: "location".into(), value: "w.bin".into() };
            TensorProto { name: "w".into(), external_data: vec![location], ..TensorProto::default() }
        };
        let graph = |initializer| GraphProto { initializer, ..GraphProto::default() };
        let with = |attribute| NodeProto { attribute: vec![attribute], ..NodeProto::default() };
        let model = |graph| ModelProto { graph: Some(graph), ..ModelProto::default() };
        let constant = || with(AttributeProto { t: Some(outside()), ..AttributeProto::default() });
        let inner = AttributeProto { g: Some(graph(vec![outside()])), ..AttributeProto::default() };
        let sparse = SparseTensorProto { indices: Some(outside()), ..SparseTensorProto::default() };
        let function = FunctionProto { node: vec![constant()], ..FunctionProto::default() };
        let compiled = NodeProto {
            op_type: "EPContext".into(),
            ..with(AttributeProto { name: "embed_mode".into(), ..AttributeProto::default() })
        };
        for bad in [
            model(graph(vec![outside()])),
            model(graph(vec![listed()])),
            model(GraphProto { node: vec![constant()], ..GraphProto::default() }),
            model(GraphProto { node: vec![with(inner)], ..GraphProto::default() }),
            model(GraphProto { node: vec![compiled], ..GraphProto::default() }),
            model(GraphProto { sparse_initializer: vec![sparse], ..GraphProto::default() }),
            ModelProto { functions: vec![function], ..model(GraphProto::default()) },
        ] {
            let error = Ports::read(&bad.encode_to_vec(), "net.onnx").unwrap_err().to_string();
            assert!(
                error.starts_with("PG-0407") && error.contains("save the network as one file"),
                "{error}"
            );
        }
    }
}
