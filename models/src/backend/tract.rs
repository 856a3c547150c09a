//! tract: inference in Rust, always there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::prelude::*;

use super::{Backend, Engine, part, read_parts, size_for};
use crate::manifest::Element;
use crate::model::Model;
use crate::onnx::first_line;
use crate::preprocess::InputMut;
use crate::{Error, Result};

/// Optimised plans, one for each size of batch.
pub(super) struct TractBackend {
    plans: Vec<Plan>,
    sizes: Vec<usize>,
    /// The plan that runs next or ran last.
    current: usize,
    element: Element,
    model: String,
}

/// A plan with the tensor it reads.
struct Plan {
    state: TypedSimpleState,
    input: Arc<Tensor>,
    outputs: TVec<TValue>,
}

fn error(action: &'static str, model: &str, detail: String) -> Error {
    Error::Backend { backend: "tract", action, model: model.to_owned(), detail }
}

impl TractBackend {
    pub(super) fn load(model: &Model, engine: &Engine<'_>) -> Result<Self> {
        if !matches!(engine.provider, "cpu" | "tract") {
            return Err(Error::Provider {
                provider: engine.provider.to_owned(),
                detail: "tract runs on the CPU only; providers belong to the backend `ort`".to_owned(),
            });
        }
        // tract checks much with assertions; a network it cannot take must not take the process down.
        let sizes = engine.sizes(model);
        let mut plans = Vec::with_capacity(sizes.len());
        for images in &sizes {
            let built = catch_unwind(AssertUnwindSafe(|| build(model, *images)))
                .map_err(|_| error("load", &model.origin, "it panicked on this network".to_owned()))?;
            let (state, input) =
                built.map_err(|e| error("load", &model.origin, format!("{e:#}").replace('\n', " ")))?;
            plans.push(Plan { state, input: Arc::new(input), outputs: TVec::new() });
        }
        let element = model.manifest.input.element;
        Ok(Self { plans, sizes, current: 0, element, model: model.origin.clone() })
    }

    fn fail(&self, detail: String) -> Error {
        error("run", &self.model, detail)
    }
}

fn build(model: &Model, images: usize) -> TractResult<(TypedSimpleState, Tensor)> {
    let manifest = &model.manifest;
    let mut shape = manifest.input_shape();
    shape[0] = images;
    let datum = match manifest.input.element {
        Element::F32 => f32::datum_type(),
        Element::U8 => u8::datum_type(),
    };
    let mut graph =
        tract_onnx::onnx().with_ignore_output_shapes(true).model_for_read(&mut &model.weights[..])?;
    graph.set_input_names([&manifest.input.name])?;
    graph.select_outputs_by_name(&manifest.decoder.outputs)?;
    graph.set_input_fact(0, InferenceFact::dt_shape(datum, shape))?;
    let plan = graph.into_optimized()?.into_runnable()?;
    Ok((plan.spawn()?, Tensor::zero_dt(datum, &shape)?))
}

impl Backend for TractBackend {
    fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    fn select(&mut self, images: usize) {
        self.current = size_for(&self.sizes, images);
    }

    fn input(&mut self, image: usize) -> Result<InputMut<'_>> {
        let fail = |detail: String| error("run", &self.model, detail);
        let images = self.sizes[self.current];
        // The plan lets go of the tensor when a run ends; if it ever does not, the tensor is copied, not shared.
        let tensor = Arc::make_mut(&mut self.plans[self.current].input);
        let refuse = |e: TractError| fail(first_line(&e));
        let gap = || fail("its input tensor is not contiguous, or has no such image".to_owned());
        Ok(match self.element {
            Element::F32 => {
                let view = tensor.to_plain_array_view_mut::<f32>().map_err(refuse)?;
                InputMut::F32(view.into_slice().and_then(|v| part(v, image, images)).ok_or_else(gap)?)
            }
            Element::U8 => {
                let view = tensor.to_plain_array_view_mut::<u8>().map_err(refuse)?;
                InputMut::U8(view.into_slice().and_then(|v| part(v, image, images)).ok_or_else(gap)?)
            }
        })
    }

    fn run(&mut self) -> Result<()> {
        let plan = &mut self.plans[self.current];
        plan.outputs.clear();
        let input = TValue::from_const(Arc::clone(&plan.input));
        let result = catch_unwind(AssertUnwindSafe(|| plan.state.run(tvec![input])));
        plan.outputs = match result {
            Ok(Ok(outputs)) => outputs,
            Ok(Err(e)) => return Err(self.fail(first_line(&e))),
            Err(_) => return Err(self.fail("it panicked".to_owned())),
        };
        Ok(())
    }

    fn outputs(&self, image: usize, read: &mut dyn FnMut(&[&[f32]])) -> Result<()> {
        let (plan, images) = (&self.plans[self.current], self.sizes[self.current]);
        if plan.outputs.is_empty() || image >= images {
            return Err(self.fail(format!("it has not run yet, or not with image {image}")));
        }
        let mut views: [&[f32]; 16] = [&[]; 16];
        let count = plan.outputs.len().min(views.len());
        for (view, value) in views.iter_mut().zip(&plan.outputs) {
            *view =
                value.try_as_plain_ram().and_then(|t| t.as_slice()).map_err(|e| self.fail(first_line(&e)))?;
        }
        read_parts(views[..count].iter().copied(), image, images, read);
        Ok(())
    }

    fn describe(&self) -> String {
        "tract (compiled in), 1 thread".to_owned()
    }
}
