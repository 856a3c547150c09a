//! Files that frames are read from.

use std::path::Path;

use peregrine_camera::algo::{
    Buffer, Limits, decode_still, jpeg_header, jpeg_layout, parse_calibration, probe_bytes, read_avi,
    read_y4m, split_mjpeg,
};

use super::code;

const LIMITS: Limits = Limits { max_side: 2048, max_frame_bytes: 4 << 20, max_packet_bytes: 1 << 20 };

/// The same bytes as an image, as each kind of video, and as a calibration.
pub fn image_source(data: &[u8]) {
    let file = Path::new("fuzz");
    let probed = probe_bytes(file, data, &LIMITS);
    let mut sink = Buffer::default();
    match decode_still(file, 0, data, &LIMITS, &mut sink) {
        Ok((shape, written)) => {
            assert!(written, "the buffer has room for everything");
            assert_eq!(sink.bytes.len(), shape.bytes());
            let probed = probed.ok().and_then(|probe| probe.shape).map(|shape| (shape.width, shape.height));
            assert_eq!(probed, Some((shape.width, shape.height)), "probing and decoding disagree");
        }
        Err(error) => code(&error, "PG-05"),
    }
    let _ = jpeg_header(data);
    let _ = jpeg_layout(data);
    let (good, bad) = split_mjpeg(data);
    assert!(good.len() + bad <= data.len());
    let (good, bad) = read_avi(data);
    assert!(good + bad <= data.len() + 1);
    if let Err(error) = read_y4m(data) {
        code(&error, "PG-05");
    }
    if let Err(error) = parse_calibration("fuzz", &String::from_utf8_lossy(data)) {
        code(&error, "PG-05");
    }
}
