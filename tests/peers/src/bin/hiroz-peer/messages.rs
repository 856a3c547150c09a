//! Messages as JSON: only the fields that the tests look at.

use hiroz::ZBuf;
use hiroz_msgs::geometry_msgs::TwistStamped;
use hiroz_msgs::sensor_msgs::{CameraInfo, Image};
use hiroz_msgs::std_msgs::{Header, String as Text};
use serde_json::{Value, json};
use zenoh::internal::buffers::SplitBuffer;

/// A message that a script can write and read.
pub trait Told {
    fn from_json(json: &Value) -> Self;
    fn to_json(&self) -> Value;
}

fn header(json: &Value) -> Header {
    let mut header =
        Header { frame_id: json["frame_id"].as_str().unwrap_or_default().to_owned(), ..Header::default() };
    header.stamp.sec = json["sec"].as_i64().unwrap_or(0) as i32;
    header.stamp.nanosec = json["nanosec"].as_u64().unwrap_or(0) as u32;
    header
}

fn with_header(header: &Header, mut rest: Value) -> Value {
    rest["frame_id"] = json!(header.frame_id);
    rest["sec"] = json!(header.stamp.sec);
    rest["nanosec"] = json!(header.stamp.nanosec);
    rest
}

fn size(json: &Value, name: &str) -> u32 {
    json[name].as_u64().unwrap_or(0) as u32
}

impl Told for Text {
    fn from_json(json: &Value) -> Self {
        Self { data: json["data"].as_str().unwrap_or_default().to_owned() }
    }
    fn to_json(&self) -> Value {
        json!({ "data": self.data })
    }
}

impl Told for TwistStamped {
    fn from_json(json: &Value) -> Self {
        let mut message = Self { header: header(json), ..Self::default() };
        message.twist.linear.x = json["linear_x"].as_f64().unwrap_or(0.0);
        message.twist.angular.z = json["angular_z"].as_f64().unwrap_or(0.0);
        message
    }
    fn to_json(&self) -> Value {
        let twist = &self.twist;
        with_header(&self.header, json!({ "linear_x": twist.linear.x, "angular_z": twist.angular.z }))
    }
}

/// Each pixel byte is its index times 7, so that a shifted or cut image is noticed.
impl Told for Image {
    fn from_json(json: &Value) -> Self {
        let (width, height) = (size(json, "width"), size(json, "height"));
        let pixels: Vec<u8> = (0..width * height * 3).map(|i| (i * 7) as u8).collect();
        Self {
            header: header(json),
            height,
            width,
            encoding: "rgb8".into(),
            is_bigendian: 0,
            step: width * 3,
            data: ZBuf::from(pixels),
        }
    }
    fn to_json(&self) -> Value {
        let data = self.data.contiguous();
        let sum: u64 = data.iter().enumerate().map(|(i, byte)| (i as u64 % 251 + 1) * u64::from(*byte)).sum();
        let rest = json!({
            "width": self.width, "height": self.height, "step": self.step, "encoding": self.encoding,
            "bytes": data.len(), "sum": sum,
        });
        with_header(&self.header, rest)
    }
}

impl Told for CameraInfo {
    fn from_json(json: &Value) -> Self {
        let mut message = Self {
            header: header(json),
            width: size(json, "width"),
            height: size(json, "height"),
            distortion_model: "plumb_bob".into(),
            d: vec![0.1, 0.2, 0.3, 0.4, 0.5],
            ..Self::default()
        };
        message.k[0] = json["fx"].as_f64().unwrap_or(0.0);
        message
    }
    fn to_json(&self) -> Value {
        let rest = json!({
            "width": self.width, "height": self.height, "fx": self.k[0], "d": self.d, "model": self.distortion_model,
        });
        with_header(&self.header, rest)
    }
}
