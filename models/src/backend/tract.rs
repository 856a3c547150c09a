//! tract: inference in Rust, always there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::prelude::*;

use super::{Backend, Engine};
use crate::manifest::Element;
use crate::model::Model;
use crate::onnx::first_line;
use crate::preprocess::InputMut;
use crate::{Error, Result};

/// An optimised plan with the tensor it reads.
pub(super) struct TractBackend {
    state: TypedSimpleState,
    input: Arc<Tensor>,
    outputs: TVec<TValue>,
    element: Element,
    model: String,
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
        let built = catch_unwind(AssertUnwindSafe(|| build(model)))
            .map_err(|_| error("load", &model.origin, "it panicked on this network".to_owned()))?;
        let (state, input) =
            built.map_err(|e| error("load", &model.origin, format!("{e:#}").replace('\n', " ")))?;
        let element = model.manifest.input.element;
        Ok(Self { state, input: Arc::new(input), outputs: TVec::new(), element, model: model.origin.clone() })
    }

    fn fail(&self, detail: String) -> Error {
        error("run", &self.model, detail)
    }
}

fn build(model: &Model) -> TractResult<(TypedSimpleState, Tensor)> {
    let manifest = &model.manifest;
    let shape = manifest.input_shape();
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
    fn input(&mut self) -> Result<InputMut<'_>> {
        let fail = |detail: String| error("run", &self.model, detail);
        // The plan lets go of the tensor when a run ends; if it ever does not, the tensor is copied, not shared.
        let tensor = Arc::make_mut(&mut self.input);
        let refuse = |e: TractError| fail(first_line(&e));
        let gap = || fail("its input tensor is not contiguous".to_owned());
        Ok(match self.element {
            Element::F32 => {
                let view = tensor.to_plain_array_view_mut::<f32>().map_err(refuse)?;
                InputMut::F32(view.into_slice().ok_or_else(gap)?)
            }
            Element::U8 => {
                let view = tensor.to_plain_array_view_mut::<u8>().map_err(refuse)?;
                InputMut::U8(view.into_slice().ok_or_else(gap)?)
            }
        })
    }

    fn run(&mut self) -> Result<()> {
        self.outputs.clear();
        let input = TValue::from_const(Arc::clone(&self.input));
        let result = catch_unwind(AssertUnwindSafe(|| self.state.run(tvec![input])));
        self.outputs = match result {
            Ok(Ok(outputs)) => outputs,
            Ok(Err(e)) => return Err(self.fail(first_line(&e))),
            Err(_) => return Err(self.fail("it panicked".to_owned())),
        };
        Ok(())
    }

    fn outputs(&self, read: &mut dyn FnMut(&[&[f32]])) -> Result<()> {
        if self.outputs.is_empty() {
            return Err(self.fail("it has not run yet".to_owned()));
        }
        let mut views: [&[f32]; 16] = [&[]; 16];
        let count = self.outputs.len().min(views.len());
        for (view, value) in views.iter_mut().zip(&self.outputs) {
            *view =
                value.try_as_plain_ram().and_then(|t| t.as_slice()).map_err(|e| self.fail(first_line(&e)))?;
        }
        read(&views[..count]);
        Ok(())
    }

    fn describe(&self) -> String {
        "tract (compiled in), 1 thread".to_owned()
    }
}
