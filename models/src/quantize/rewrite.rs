//! Writes QuantizeLinear and DequantizeLinear pairs around the nodes that are to run in int8: activations u8 per tensor,
//! weights s8 per output channel, biases s32. Engines melt each pair into integer kernels.

use std::collections::{BTreeMap, BTreeSet};

use tract_onnx::pb::{NodeProto, TensorProto};

use super::blocks::MOVING;
use super::graph::{F32, I8, I32, Network, U8, floats, int, linear, tensor};

/// Lowest and highest value of an activation that is represented.
pub(super) type Ranges = BTreeMap<String, (f32, f32)>;

/// Scale and zero point of an activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub scale: f32,
    pub zero: u8,
}

impl Step {
    /// 256 steps over a range that holds 0.
    pub fn of((low, high): (f32, f32)) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let scale = ((high - low) / 255.0).max(f32::MIN_POSITIVE * 1e8);
        Self { scale, zero: (-low / scale).round().clamp(0.0, 255.0) as u8 }
    }
}

struct Rewriter<'a> {
    network: &'a Network,
    constants: BTreeMap<&'a str, &'a TensorProto>,
    set: &'a BTreeSet<usize>,
    steps: BTreeMap<&'a str, Step>,
    /// Values that are read through their pair by everybody, and those only int8 nodes read so.
    by_all: BTreeSet<&'a str>,
    by_set: BTreeSet<&'a str>,
    nodes: Vec<NodeProto>,
    added: Vec<TensorProto>,
    largest: f32,
}

/// The network with the nodes of `set` in int8. `seven_bits`: weights use seven bits, for processors whose 8 bit products
/// saturate (x86 before VNNI).
pub(super) fn rewrite(
    network: &Network,
    set: &BTreeSet<usize>,
    ranges: &Ranges,
    seven_bits: bool,
) -> Result<Network, String> {
    let mut rewriter = Rewriter {
        network,
        constants: network.constants(),
        set,
        steps: BTreeMap::new(),
        by_all: BTreeSet::new(),
        by_set: BTreeSet::new(),
        nodes: Vec::new(),
        added: Vec::new(),
        largest: if seven_bits { 63.0 } else { 127.0 },
    };
    rewriter.choose(ranges)?;
    rewriter.write()?;
    let (nodes, added) = (rewriter.nodes, rewriter.added);
    let mut result = network.clone();
    result.graph.node = nodes;
    result.graph.initializer.extend(added);
    let used: BTreeSet<String> =
        result.graph.node.iter().flat_map(|node| node.input.iter().cloned()).collect();
    let ends: BTreeSet<String> = result.graph.output.iter().map(|port| port.name.clone()).collect();
    result.graph.initializer.retain(|t| used.contains(&t.name) || ends.contains(&t.name));
    result.graph.input.retain(|port| {
        used.contains(&port.name) || network.graph.initializer.iter().all(|t| t.name != port.name)
    });
    result.graph.value_info.clear();
    Ok(result)
}

impl<'a> Rewriter<'a> {
    /// Which values get a pair, and with which step.
    fn choose(&mut self, ranges: &Ranges) -> Result<(), String> {
        let readers = self.network.readers();
        for (index, node) in self.network.graph.node.iter().enumerate() {
            if !self.set.contains(&index) {
                continue;
            }
            for input in self.activations(node) {
                if !self.by_all.contains(input) && !self.steps.contains_key(input) {
                    let step = self.step(input, ranges)?;
                    self.steps.insert(input, step);
                }
                if !self.by_all.contains(input) {
                    self.by_set.insert(input);
                }
            }
            let moves = MOVING.contains(&node.op_type.as_str());
            for output in node.output.iter().filter(|output| !output.is_empty()) {
                let next = readers.get(output.as_str()).map_or(&[][..], Vec::as_slice);
                let melts = matches!(*next, [one] if self.set.contains(&one)
                    && matches!(self.network.graph.node[one].op_type.as_str(), "Relu" | "Clip"));
                if melts && self.network.graph.output.iter().all(|port| port.name != *output) {
                    continue;
                }
                let inherited = node.input.first().and_then(|input| self.steps.get(input.as_str())).copied();
                let step = match (moves, inherited) {
                    (true, Some(step)) => step,
                    _ => self.step(output, ranges)?,
                };
                self.steps.insert(output, step);
                self.by_all.insert(output);
            }
        }
        // What melts into its layer is not read through a pair.
        let without: Vec<&str> =
            self.by_set.iter().copied().filter(|name| self.is_melted(name, &readers)).collect();
        for name in without {
            self.by_set.remove(name);
        }
        Ok(())
    }

    /// Whether a value goes from a layer in int8 straight into its Relu or Clip.
    fn is_melted(&self, name: &str, readers: &BTreeMap<&str, Vec<usize>>) -> bool {
        let made_here = self
            .set
            .iter()
            .any(|index| self.network.graph.node[*index].output.first().is_some_and(|output| output == name));
        let clipped = readers.get(name).is_some_and(|list| {
            matches!(self.network.graph.node[list[0]].op_type.as_str(), "Relu" | "Clip") && list.len() == 1
        });
        made_here && clipped && !self.by_all.contains(name)
    }

    fn step(&self, value: &str, ranges: &Ranges) -> Result<Step, String> {
        let range =
            ranges.get(value).ok_or_else(|| format!("the value `{value}` was not seen in calibration"))?;
        Ok(Step::of(*range))
    }

    /// The inputs of a node that are activations: its first one, and every one that is no constant of Concat, Add, Mul.
    fn activations(&self, node: &'a NodeProto) -> Vec<&'a str> {
        let many = matches!(node.op_type.as_str(), "Concat" | "Add" | "Mul");
        let take = if many { node.input.len() } else { 1 };
        let inputs = node.input.iter().take(take).map(String::as_str);
        inputs.filter(|name| !name.is_empty() && !self.constants.contains_key(name)).collect()
    }

    fn write(&mut self) -> Result<(), String> {
        let network = self.network;
        for input in &network.graph.input {
            self.pair(&input.name);
        }
        for (index, node) in network.graph.node.iter().enumerate() {
            let mut node = node.clone();
            let in_set = self.set.contains(&index);
            for input in &mut node.input {
                let name = input.as_str();
                if self.by_all.contains(name) || (in_set && self.by_set.contains(name)) {
                    *input = format!("{name}__dq");
                }
            }
            if in_set && matches!(node.op_type.as_str(), "Conv" | "Gemm" | "MatMul") {
                self.weights(&network.graph.node[index], &mut node)?;
            }
            let ends: Vec<String> = node.output.clone();
            // A graph's output keeps its name: its pair writes it.
            for output in &mut node.output {
                if self.by_all.contains(output.as_str()) && self.is_end(output) {
                    *output = format!("{output}__raw");
                }
            }
            self.nodes.push(node);
            for output in &ends {
                self.pair(output);
            }
        }
        Ok(())
    }

    fn is_end(&self, name: &str) -> bool {
        self.network.graph.output.iter().any(|port| port.name == name)
    }

    /// The pair behind a value, if it has one.
    fn pair(&mut self, value: &str) {
        if !self.by_all.contains(value) && !self.by_set.contains(value) {
            return;
        }
        let Some(step) = self.steps.get(value).copied() else { return };
        let (scale, zero) = (format!("{value}__scale"), format!("{value}__zero"));
        self.added.push(tensor(&scale, F32, &[], step.scale.to_le_bytes().to_vec()));
        self.added.push(tensor(&zero, U8, &[], vec![step.zero]));
        let end = self.by_all.contains(value) && self.is_end(value);
        let from = if end { format!("{value}__raw") } else { value.to_owned() };
        let to = if end { value.to_owned() } else { format!("{value}__dq") };
        let quantized = format!("{value}__q");
        let own = [from, scale.clone(), zero.clone()];
        self.nodes.push(linear("QuantizeLinear", format!("{value}__quantize"), own, quantized.clone(), None));
        let back = [quantized, scale, zero];
        self.nodes.push(linear("DequantizeLinear", format!("{value}__dequantize"), back, to.clone(), None));
        if end {
            // Who reads it inside the graph reads the other name.
            let copy = NodeProto {
                op_type: "Identity".into(),
                name: format!("{value}__again"),
                input: vec![to],
                output: vec![format!("{value}__dq")],
                ..NodeProto::default()
            };
            if self.network.readers().contains_key(value) {
                self.nodes.push(copy);
            }
        }
    }

    /// Weights and bias of a layer as integers behind DequantizeLinear.
    fn weights(&mut self, original: &NodeProto, node: &mut NodeProto) -> Result<(), String> {
        let refuse = |what: &str| format!("the weights of `{}` {what}", original.name);
        let name = original.input[1].as_str();
        let weight = self.constants.get(name).ok_or_else(|| refuse("are no constant"))?;
        let values = floats(weight).ok_or_else(|| refuse("are not fp32"))?;
        let dims: Vec<usize> = weight.dims.iter().map(|d| usize::try_from(*d).unwrap_or(0)).collect();
        let axis = match original.op_type.as_str() {
            "Conv" => 0,
            "Gemm" if int(original, "transB").unwrap_or(0) != 0 => 0,
            "Gemm" => 1,
            _ => dims.len().saturating_sub(1),
        };
        let channels = *dims.get(axis).filter(|n| **n > 0).ok_or_else(|| refuse("have no channels"))?;
        let inner: usize = dims[axis + 1..].iter().product();
        let channel_of = |index: usize| (index / inner) % channels;
        let mut largest = vec![0f32; channels];
        for (index, value) in values.iter().enumerate() {
            let slot = &mut largest[channel_of(index)];
            *slot = slot.max(value.abs());
        }
        let input_scale = self.steps.get(original.input[0].as_str()).map(|step| step.scale);
        let input_scale = input_scale.ok_or_else(|| refuse("belong to an input without a range"))?;
        let bias = original.input.get(2).filter(|name| !name.is_empty());
        let bias = match bias {
            Some(name) => {
                let bias = self.constants.get(name.as_str()).and_then(|tensor| floats(tensor));
                Some(
                    bias.filter(|b| b.len() == channels)
                        .ok_or_else(|| refuse("have a bias of another size"))?,
                )
            }
            None => None,
        };
        let mut scales: Vec<f32> =
            largest.iter().map(|most| if *most > 0.0 { most / self.largest } else { 1.0 / 127.0 }).collect();
        // A bias is counted in units of input scale times weight scale; a tiny weight scale would overflow it.
        for (scale, bias) in scales.iter_mut().zip(bias.iter().flatten()) {
            *scale = scale.max(bias.abs() / (input_scale * (1 << 30) as f32));
        }
        let limit = self.largest;
        let quantized = values.iter().enumerate().map(|(index, value)| {
            (value / scales[channel_of(index)]).round_ties_even().clamp(-limit, limit) as i8 as u8
        });
        let quantized = quantized.collect();
        // Two layers may share weights, but not their inputs' scales.
        let own = format!("{}__w", original.name);
        self.constant(&own, I8, &dims, quantized, &scales, axis as i64);
        node.input[1] = format!("{own}__dq");
        if let Some(bias) = bias {
            let steps: Vec<f32> = scales.iter().map(|scale| scale * input_scale).collect();
            let counts = bias.iter().zip(&steps).flat_map(|(bias, step)| {
                let count = (f64::from(*bias) / f64::from(*step)).round_ties_even();
                (count as i32).to_le_bytes()
            });
            let counts = counts.collect();
            let own = format!("{}__b", original.name);
            self.constant(&own, I32, &[channels], counts, &steps, 0);
            node.input[2] = format!("{own}__dq");
        }
        Ok(())
    }

    /// An integer constant behind DequantizeLinear, its zero points all 0.
    fn constant(&mut self, name: &str, kind: i32, dims: &[usize], data: Vec<u8>, scales: &[f32], axis: i64) {
        let bytes = scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
        let (scale, zero) = (format!("{name}__scale"), format!("{name}__zero"));
        self.added.push(tensor(name, kind, dims, data));
        self.added.push(tensor(&scale, F32, &[scales.len()], bytes));
        let zeros = vec![0; scales.len() * if kind == I32 { 4 } else { 1 }];
        self.added.push(tensor(&zero, kind, &[scales.len()], zeros));
        let inputs = [name.to_owned(), scale, zero];
        let node = linear(
            "DequantizeLinear",
            format!("{name}__dequantize"),
            inputs,
            format!("{name}__dq"),
            Some(axis),
        );
        self.nodes.push(node);
    }
}
