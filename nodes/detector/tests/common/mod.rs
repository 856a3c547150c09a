//! Small models that answer one box whatever they see, and a camera.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "every test takes what it needs; helpers of tests are tests"
)]

#[path = "../../../../models/tests/common/network.rs"]
pub mod network;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use network::{Output, constant_network};
use peregrine::ParamValue;
use peregrine::prelude::*;
use peregrine_models::update::Bundle;

/// Side of the images and of the networks' input, pixels.
pub const SIDE: u32 = 64;
/// Cells of the strides 8, 16 and 32.
const CELLS: usize = 64 + 16 + 4;

/// Writes a model that finds one person of this score with its middle at `x`; gives its manifest.
pub fn model(folder: &Path, name: &str, score: f32, x: f32, more: &str) -> PathBuf {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let mut values = vec![0.0; 6 * CELLS];
    for (plane, value) in [x, 32.0, 16.0, 24.0, score].into_iter().enumerate() {
        values[plane * CELLS] = value;
    }
    let outputs = [Output { name: "y".into(), shape: vec![1, 6, CELLS], values }];
    let bytes = constant_network("x", &[1, 3, SIDE as usize, SIDE as usize], &outputs);
    std::fs::write(folder.join("net.onnx"), &bytes).unwrap();
    let manifest = format!(
        "name = \"{name}\"\nfile = \"net.onnx\"\nsha256 = \"{}\"\ntask = \"detection\"\norigin = \"made up\"\n\
         score_threshold = 0.3\nnms_iou = 0.6\nlabels = [\"person\", \"car\"]\n\
         [input]\nname = \"x\"\nwidth = {SIDE}\nheight = {SIDE}\ncolour = \"rgb\"\n\
         [decoder]\nkind = \"yolov8\"\nstrides = [8, 16, 32]\noutputs = [\"y\"]\n[licence]\nspdx = \"CC0-1.0\"\n{more}",
        peregrine_models::sha256(&bytes)
    );
    let path = folder.join("manifest.toml");
    std::fs::write(&path, manifest).unwrap();
    path
}

pub fn bundle(manifest: &Path) -> Bundle {
    Bundle::read(manifest).unwrap()
}

pub fn text(value: impl AsRef<Path>) -> ParamValue {
    ParamValue::String(value.as_ref().to_str().unwrap().to_owned())
}

/// One grey image, stamped.
pub fn shoot(camera: &mut FramePublisher, ctx: &Context, stamp: Time) -> Result<bool> {
    let spec = ImageSpec::packed(SIDE, SIDE, Encoding::Rgb8, "camera_optical");
    let Some(mut loan) = camera.loan(&spec)? else { return Ok(false) };
    loan.bytes_mut().fill(100);
    loan.set_stamp(stamp.0);
    camera.send(ctx, loan)?;
    Ok(true)
}

pub fn camera<N: Node>(setup: &mut Setup<N>) -> Result<FramePublisher> {
    setup.publish_frames("image_raw", FrameSlots { slots: 6, bytes: (3 * SIDE * SIDE) as usize })
}

pub fn lent<T: Send + Sync + 'static, N: Node>(setup: &Setup<N>) -> Arc<T> {
    setup.extension().unwrap()
}
