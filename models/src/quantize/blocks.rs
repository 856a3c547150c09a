//! What can be computed in int8, cut into blocks: a layer with weights and the activation behind it. The search decides
//! block by block; what lies between blocks follows its neighbours.

use std::collections::BTreeSet;

use super::graph::{F32, Network, float};

/// A layer with weights and its activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Name of the layer.
    pub name: String,
    /// Indices into the graph's nodes, the layer first.
    pub nodes: Vec<usize>,
    /// Number of weights.
    pub weights: usize,
    /// Nothing with weights comes behind it: it makes the predictions.
    pub prediction: bool,
}

/// Operators without weights that have int8 kernels; they follow their inputs.
const BETWEEN: [&str; 14] = [
    "Concat",
    "Add",
    "Mul",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "Resize",
    "Reshape",
    "Transpose",
    "Slice",
    "Split",
    "Squeeze",
    "Unsqueeze",
    "Flatten",
];

/// Operators that only move values: their output has the range of their input, and must have its scale to be free.
pub(super) const MOVING: [&str; 9] =
    ["MaxPool", "Resize", "Reshape", "Transpose", "Slice", "Split", "Squeeze", "Unsqueeze", "Flatten"];

/// Activations with int8 kernels, or that melt into the layer before them.
const ACTIVATIONS: [&str; 4] = ["LeakyRelu", "Relu", "Clip", "Sigmoid"];

/// All blocks, in the order of the graph.
pub(super) fn find(network: &Network) -> Vec<Block> {
    let constants = network.constants();
    let readers = network.readers();
    let nodes = &network.graph.node;
    let mut blocks = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let layer = match node.op_type.as_str() {
            "Conv" | "MatMul" => true,
            "Gemm" => float(node, "alpha").unwrap_or(1.0) == 1.0 && float(node, "beta").unwrap_or(1.0) == 1.0,
            _ => false,
        };
        let Some(weight) = node.input.get(1).and_then(|name| constants.get(name.as_str())) else { continue };
        // A layer whose input is a constant too is no layer.
        if !layer || weight.data_type != F32 || constants.contains_key(node.input[0].as_str()) {
            continue;
        }
        let dims = weight.dims.iter().map(|d| usize::try_from(*d).unwrap_or(0));
        let elements = dims.fold(1usize, usize::saturating_mul);
        let mut block =
            Block { name: node.name.clone(), nodes: vec![index], weights: elements, prediction: false };
        let after =
            node.output.first().and_then(|out| readers.get(out.as_str())).map_or(&[][..], Vec::as_slice);
        match *after {
            [one] if ACTIVATIONS.contains(&nodes[one].op_type.as_str()) => block.nodes.push(one),
            // x * sigmoid(x)
            [a, b] => {
                let is = |at: usize, op: &str| nodes[at].op_type == op;
                let (sigmoid, product) = if is(a, "Sigmoid") { (a, b) } else { (b, a) };
                let feeds =
                    nodes[sigmoid].output.first().is_some_and(|out| nodes[product].input.contains(out));
                if is(sigmoid, "Sigmoid") && is(product, "Mul") && feeds {
                    block.nodes.extend([sigmoid, product]);
                }
            }
            _ => {}
        }
        blocks.push(block);
    }
    let layers: BTreeSet<usize> = blocks.iter().map(|block| block.nodes[0]).collect();
    for block in &mut blocks {
        block.prediction = !reaches(network, &readers, block, &layers);
    }
    blocks
}

/// Whether another layer with weights comes somewhere behind a block.
fn reaches(
    network: &Network,
    readers: &std::collections::BTreeMap<&str, Vec<usize>>,
    block: &Block,
    layers: &BTreeSet<usize>,
) -> bool {
    let (mut open, mut seen) = (vec![block.nodes[0]], BTreeSet::new());
    while let Some(index) = open.pop() {
        for output in &network.graph.node[index].output {
            for next in readers.get(output.as_str()).into_iter().flatten() {
                if layers.contains(next) {
                    return true;
                }
                if seen.insert(*next) {
                    open.push(*next);
                }
            }
        }
    }
    false
}

/// The nodes to compute in int8 when these blocks are: theirs, and what lies between them.
pub(super) fn nodes_of<'a>(network: &Network, blocks: impl Iterator<Item = &'a Block>) -> BTreeSet<usize> {
    let chosen: BTreeSet<usize> = blocks.flat_map(|block| block.nodes.iter().copied()).collect();
    let constants = network.constants();
    let readers = network.readers();
    let ends: BTreeSet<&str> = network.graph.output.iter().map(|port| port.name.as_str()).collect();
    let makers: std::collections::BTreeMap<&str, usize> = network
        .graph
        .node
        .iter()
        .enumerate()
        .flat_map(|(index, node)| node.output.iter().map(move |out| (out.as_str(), index)))
        .collect();
    // Forwards: candidates are those whose inputs all come from int8. Nodes of a graph are in order.
    let mut set = chosen.clone();
    for (index, node) in network.graph.node.iter().enumerate() {
        if set.contains(&index) || !BETWEEN.contains(&node.op_type.as_str()) {
            continue;
        }
        let values =
            node.input.iter().filter(|name| !name.is_empty() && !constants.contains_key(name.as_str()));
        let values: Vec<_> = values.map(|name| makers.get(name.as_str())).collect();
        let fed = !values.is_empty() && values.iter().all(|maker| maker.is_some_and(|m| set.contains(m)));
        // Add and Mul with a constant would need the constant in int8 as well.
        let scalar = matches!(node.op_type.as_str(), "Add" | "Mul") && values.len() < 2;
        if fed && !scalar && !node.output.iter().any(|out| ends.contains(out.as_str())) {
            set.insert(index);
        }
    }
    // Backwards: between int8 and fp32 alone they would only cost precision.
    for (index, node) in network.graph.node.iter().enumerate().rev() {
        if chosen.contains(&index) || !set.contains(&index) {
            continue;
        }
        let useful = node
            .output
            .iter()
            .flat_map(|out| readers.get(out.as_str()).into_iter().flatten())
            .any(|reader| set.contains(reader));
        if !useful {
            set.remove(&index);
        }
    }
    set
}
