//! What the fuzz targets call: every parser that meets bytes of a stranger.
//!
//! Each entry takes any bytes, touches no file and returns; a panic, a hang or a huge allocation is a defect. Where reading
//! and writing are both ours, what was read must survive being written and read again. The fuzz targets in `fuzz/` and the
//! test `fuzz_smoke` call the same functions.

mod image;
mod launch;
mod message;
mod seeds;
mod transfer;
mod zenoh;

pub use image::image_source;
pub use launch::{launch_xml, launch_yaml, params_file};
pub use message::{cdr, image_header};
pub use seeds::{Dice, mutate, seeds};
pub use transfer::model_transfer;
pub use zenoh::{bridge_tokens, zenoh_keys};

/// One fuzz target.
pub struct Entry {
    /// The name of the target: `fuzz/fuzz_targets/NAME.rs`, `fuzz/seeds/NAME/`.
    pub name: &'static str,
    /// What it does with bytes.
    pub run: fn(&[u8]),
    /// Files of the repository that are good seeds too, besides `fuzz/seeds/NAME/`: folder and ending.
    pub samples: &'static [(&'static str, &'static str)],
}

/// All of them.
pub const ENTRIES: &[Entry] = &[
    Entry { name: "sdf", run: sdf, samples: &[("drone_sim/worlds", ".sdf")] },
    Entry { name: "manifest", run: manifest, samples: &[("models/weights", ".toml")] },
    Entry { name: "onnx", run: onnx, samples: &[] },
    Entry { name: "model_update", run: model_update, samples: &[] },
    Entry { name: "model_transfer", run: model_transfer, samples: &[] },
    Entry { name: "launch_xml", run: launch_xml, samples: &[("launch/launch", ".xml")] },
    Entry { name: "launch_yaml", run: launch_yaml, samples: &[("launch/launch", ".yaml")] },
    Entry { name: "params_file", run: params_file, samples: &[("launch/params", ".yaml")] },
    Entry { name: "image_source", run: image_source, samples: &[] },
    Entry { name: "cdr", run: cdr, samples: &[] },
    Entry { name: "image_header", run: image_header, samples: &[] },
    Entry { name: "zenoh_keys", run: zenoh_keys, samples: &[] },
    Entry { name: "bridge_tokens", run: bridge_tokens, samples: &[] },
    Entry { name: "frame_handshake", run: frame_handshake, samples: &[] },
    Entry { name: "mavlink", run: mavlink, samples: &[] },
    Entry { name: "point_cloud", run: point_cloud, samples: &[] },
    Entry { name: "mesh", run: mesh, samples: &[] },
    Entry { name: "gz_packet", run: gz_packet, samples: &[] },
    Entry { name: "gz_convert", run: gz_convert, samples: &[] },
    Entry { name: "bag", run: bag, samples: &[] },
    Entry { name: "hil", run: hil, samples: &[] },
    Entry { name: "checkpoint", run: checkpoint, samples: &[] },
];

/// A simulated world.
pub fn sdf(data: &[u8]) {
    peregrine_sim::sdf::fuzz(data);
}

/// What processes say to each other when one wants to read the frames of another.
pub fn frame_handshake(data: &[u8]) {
    use peregrine_frame::host::wire::{Answer, Hello};
    peregrine_frame::host::wire::fuzz(data);
    for error in [Hello::decode(data).err(), Answer::decode(data).err()].into_iter().flatten() {
        code(&error, "PG-01");
    }
}

/// A cloud of points, as CDR: what a lidar or a tracker may send to the avoidance node and the safety filter.
pub fn point_cloud(data: &[u8]) {
    use peregrine_msgs::{cdr, sensor_msgs::PointCloud2};
    match cdr::from_slice::<PointCloud2>(data) {
        Ok(cloud) => {
            peregrine_avoidance::inputs::fuzz(&cloud);
            peregrine_safety_filter::cloud::fuzz(&cloud);
        }
        Err(error) => code(&error, "PG-03"),
    }
}

/// A mesh file; the first byte chooses the format.
pub fn mesh(data: &[u8]) {
    peregrine_sim::sdf::mesh::fuzz(data);
}

/// A packet of Gazebo's discovery, and a message of Gazebo.
pub fn gz_packet(data: &[u8]) {
    peregrine_gz::wire::fuzz(data);
}

/// A message on its way between ROS and Gazebo; the first byte chooses type and way.
pub fn gz_convert(data: &[u8]) {
    peregrine_gz::convert::fuzz(data);
}

/// A bag: the first byte says whether an MCAP file or a `metadata.yaml` follows.
pub fn bag(data: &[u8]) {
    if let Err(error) = peregrine_recorder::play::fuzz(data) {
        code(&error, "PG-08");
    }
}

/// What a flight controller sends to the simulator; the first byte chooses PX4 or ArduPilot.
pub fn hil(data: &[u8]) {
    peregrine_hil::fuzz(data);
}

/// A checkpoint of the simulator, as a file and as the state of a flight.
pub fn checkpoint(data: &[u8]) {
    peregrine_sim::checkpoint::fuzz(data);
}

/// A model's manifest.
pub fn manifest(data: &[u8]) {
    if let Err(error) = peregrine_models::Manifest::parse(&String::from_utf8_lossy(data), "fuzz.toml") {
        code(&error, "PG-04");
    }
}

/// A link's input.
pub fn mavlink(data: &[u8]) {
    peregrine_autopilot::fuzz(data);
}

/// An ONNX network.
pub fn onnx(data: &[u8]) {
    if let Err(error) = peregrine_models::fuzz::onnx(data) {
        code(&error, "PG-04");
    }
}

/// What an update of a model brings: state, keys, signatures, bundles.
pub fn model_update(data: &[u8]) {
    if let Err(error) = peregrine_models::fuzz::update(data) {
        // Updates have a block of their own.
        code(&error, if error.to_string().starts_with("PG-19") { "PG-19" } else { "PG-04" });
    }
}

/// Every error of a crate has a code of the crate's block at its front.
fn code(error: &dyn std::error::Error, block: &str) {
    let text = error.to_string();
    assert!(text.starts_with(block), "an error without a code of the block {block}: {text}");
}
