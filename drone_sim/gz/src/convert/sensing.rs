//! What sensors say, and what actuators are told.

use peregrine_msgs::geometry_msgs::Vector3;
use peregrine_msgs::sensor_msgs::{self as ros, NavSatStatus, PointField};
use peregrine_msgs::std_msgs;
use peregrine_msgs::{actuator_msgs, ros_gz_interfaces as ros_gz};

use super::Convert;
use super::frames::{from, stamped};
use crate::msgs::geometry as gz_geometry;
use crate::msgs::sensing::{self as gz, PixelFormatType as Pixel};

/// Encodings of ROS and pixel formats of Gazebo, with the bytes of a pixel.
const ENCODINGS: [(&str, Pixel, usize); 12] = [
    ("rgb8", Pixel::RgbInt8, 3),
    ("bgr8", Pixel::BgrInt8, 3),
    ("rgba8", Pixel::RgbaInt8, 4),
    ("bgra8", Pixel::BgraInt8, 4),
    ("mono8", Pixel::LInt8, 1),
    ("8UC1", Pixel::LInt8, 1),
    ("mono16", Pixel::LInt16, 2),
    ("16UC1", Pixel::LInt16, 2),
    ("rgb16", Pixel::RgbInt16, 6),
    ("bgr16", Pixel::BgrInt16, 6),
    ("32FC1", Pixel::RFloat32, 4),
    ("32FC3", Pixel::RgbFloat32, 12),
];

impl Convert<gz::Image> for ros::Image {
    fn to_gz(&self) -> gz::Image {
        let format = ENCODINGS.iter().find(|(name, ..)| *name == self.encoding).map(|(_, pixel, _)| *pixel);
        gz::Image {
            header: stamped(&self.header),
            width: self.width,
            height: self.height,
            step: self.step,
            data: self.data.to_vec(),
            pixel_format_type: format.unwrap_or(Pixel::UnknownPixelFormat) as i32,
        }
    }
    fn from_gz(gz: &gz::Image) -> Self {
        let format = Pixel::try_from(gz.pixel_format_type).unwrap_or(Pixel::UnknownPixelFormat);
        let known = ENCODINGS.iter().find(|(_, pixel, _)| *pixel == format);
        let bytes = known.map_or(1, |(.., bytes)| *bytes);
        let step = if gz.step == 0 { gz.width.saturating_mul(bytes as u32) } else { gz.step };
        Self {
            header: from(gz.header.as_ref()),
            height: gz.height,
            width: gz.width,
            encoding: known.map_or("", |(name, ..)| name).to_string(),
            is_bigendian: 0,
            step,
            data: gz.data.clone(),
        }
    }
}

impl Convert<gz::CameraInfo> for ros::CameraInfo {
    fn to_gz(&self) -> gz::CameraInfo {
        use gz::camera_info::{Distortion, Intrinsics, Projection, distortion::DistortionModelType as Model};
        let model = match self.distortion_model.as_str() {
            "rational_polynomial" => Model::RationalPolynomial,
            "equidistant" => Model::Equidistant,
            _ => Model::PlumbBob,
        };
        gz::CameraInfo {
            header: stamped(&self.header),
            width: self.width,
            height: self.height,
            distortion: Some(Distortion { model: model as i32, k: self.d.clone() }),
            intrinsics: Some(Intrinsics { k: self.k.to_vec() }),
            projection: Some(Projection { p: self.p.to_vec() }),
            rectification_matrix: self.r.to_vec(),
        }
    }
    fn from_gz(gz: &gz::CameraInfo) -> Self {
        use gz::camera_info::distortion::DistortionModelType as Model;
        let distortion = gz.distortion.clone().unwrap_or_default();
        let model = match Model::try_from(distortion.model) {
            Ok(Model::RationalPolynomial) => "rational_polynomial",
            Ok(Model::Equidistant) => "equidistant",
            _ => "plumb_bob",
        };
        Self {
            header: from(gz.header.as_ref()),
            width: gz.width,
            height: gz.height,
            distortion_model: model.to_string(),
            d: distortion.k,
            k: fixed(gz.intrinsics.as_ref().map_or(&[], |i| &i.k)),
            r: fixed(&gz.rectification_matrix),
            p: fixed(gz.projection.as_ref().map_or(&[], |p| &p.p)),
            ..Default::default()
        }
    }
}

fn fixed<const N: usize>(list: &[f64]) -> [f64; N] {
    std::array::from_fn(|i| list.get(i).copied().unwrap_or(0.0))
}

impl Convert<gz::Imu> for ros::Imu {
    fn to_gz(&self) -> gz::Imu {
        gz::Imu {
            header: stamped(&self.header),
            entity_name: self.header.frame_id.clone(),
            orientation: Some(self.orientation.to_gz()),
            angular_velocity: Some(self.angular_velocity.to_gz()),
            linear_acceleration: Some(self.linear_acceleration.to_gz()),
        }
    }
    fn from_gz(gz: &gz::Imu) -> Self {
        let mut out = Self {
            header: from(gz.header.as_ref()),
            orientation: from(gz.orientation.as_ref()),
            angular_velocity: from(gz.angular_velocity.as_ref()),
            linear_acceleration: from(gz.linear_acceleration.as_ref()),
            ..Default::default()
        };
        if out.header.frame_id.is_empty() {
            out.header.frame_id = gz.entity_name.replace("::", "/");
        }
        out
    }
}

impl Convert<gz::LaserScan> for ros::LaserScan {
    fn to_gz(&self) -> gz::LaserScan {
        let count = self.ranges.len() as u32;
        gz::LaserScan {
            header: stamped(&self.header),
            frame: self.header.frame_id.clone(),
            angle_min: self.angle_min.into(),
            angle_max: self.angle_max.into(),
            angle_step: self.angle_increment.into(),
            range_min: self.range_min.into(),
            range_max: self.range_max.into(),
            count,
            vertical_count: 1,
            ranges: self.ranges.iter().map(|r| f64::from(*r)).collect(),
            intensities: (0..count as usize)
                .map(|i| self.intensities.get(i).map_or(0.0, |x| f64::from(*x)))
                .collect(),
            ..Default::default()
        }
    }
    /// Of a lidar with several rows ROS gets the middle one.
    fn from_gz(gz: &gz::LaserScan) -> Self {
        let count = gz.count as usize;
        let first = (gz.vertical_count as usize / 2).saturating_mul(count);
        let row = |list: &[f64]| list.iter().skip(first).take(count).map(|x| *x as f32).collect();
        let mut header: std_msgs::Header = from(gz.header.as_ref());
        if !gz.frame.is_empty() {
            header.frame_id = gz.frame.replace("::", "/");
        }
        Self {
            header,
            angle_min: gz.angle_min as f32,
            angle_max: gz.angle_max as f32,
            angle_increment: gz.angle_step as f32,
            range_min: gz.range_min as f32,
            range_max: gz.range_max as f32,
            ranges: row(&gz.ranges),
            intensities: row(&gz.intensities),
            ..Default::default()
        }
    }
}

impl Convert<gz::Magnetometer> for ros::MagneticField {
    fn to_gz(&self) -> gz::Magnetometer {
        gz::Magnetometer { header: stamped(&self.header), field_tesla: Some(self.magnetic_field.to_gz()) }
    }
    fn from_gz(gz: &gz::Magnetometer) -> Self {
        let (header, magnetic_field) = (from(gz.header.as_ref()), from(gz.field_tesla.as_ref()));
        Self { header, magnetic_field, ..Default::default() }
    }
}

impl Convert<gz::FluidPressure> for ros::FluidPressure {
    fn to_gz(&self) -> gz::FluidPressure {
        gz::FluidPressure {
            header: stamped(&self.header),
            pressure: self.fluid_pressure,
            variance: self.variance,
        }
    }
    fn from_gz(gz: &gz::FluidPressure) -> Self {
        Self { header: from(gz.header.as_ref()), fluid_pressure: gz.pressure, variance: gz.variance }
    }
}

impl Convert<gz::NavSat> for ros::NavSatFix {
    fn to_gz(&self) -> gz::NavSat {
        gz::NavSat {
            header: stamped(&self.header),
            latitude_deg: self.latitude,
            longitude_deg: self.longitude,
            altitude: self.altitude,
            frame_id: self.header.frame_id.clone(),
            ..Default::default()
        }
    }
    fn from_gz(gz: &gz::NavSat) -> Self {
        let mut header: std_msgs::Header = from(gz.header.as_ref());
        if header.frame_id.is_empty() {
            header.frame_id = gz.frame_id.replace("::", "/");
        }
        Self {
            header,
            status: NavSatStatus { status: NavSatStatus::STATUS_FIX, service: NavSatStatus::SERVICE_GPS },
            latitude: gz.latitude_deg,
            longitude: gz.longitude_deg,
            altitude: gz.altitude,
            ..Default::default()
        }
    }
}

impl Convert<gz::BatteryState> for ros::BatteryState {
    fn to_gz(&self) -> gz::BatteryState {
        gz::BatteryState {
            header: stamped(&self.header),
            voltage: self.voltage.into(),
            current: self.current.into(),
            charge: self.charge.into(),
            capacity: self.capacity.into(),
            percentage: self.percentage.into(),
            power_supply_status: self.power_supply_status.into(),
        }
    }
    fn from_gz(gz: &gz::BatteryState) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            voltage: gz.voltage as f32,
            current: gz.current as f32,
            charge: gz.charge as f32,
            capacity: gz.capacity as f32,
            design_capacity: f32::NAN,
            percentage: gz.percentage as f32,
            power_supply_status: u8::try_from(gz.power_supply_status).unwrap_or(0),
            present: true,
            ..Default::default()
        }
    }
}

impl Convert<gz::PointCloudPacked> for ros::PointCloud2 {
    fn to_gz(&self) -> gz::PointCloudPacked {
        let field = |f: &PointField| gz::point_cloud_packed::Field {
            name: f.name.clone(),
            offset: f.offset,
            datatype: i32::from(f.datatype) - 1,
            count: f.count,
        };
        gz::PointCloudPacked {
            header: stamped(&self.header),
            field: self.fields.iter().map(field).collect(),
            height: self.height,
            width: self.width,
            is_bigendian: self.is_bigendian,
            point_step: self.point_step,
            row_step: self.row_step,
            data: self.data.to_vec(),
            is_dense: self.is_dense,
        }
    }
    fn from_gz(gz: &gz::PointCloudPacked) -> Self {
        let field = |f: &gz::point_cloud_packed::Field| PointField {
            name: f.name.clone(),
            offset: f.offset,
            datatype: f.datatype.clamp(0, 7) as u8 + 1,
            count: f.count,
        };
        Self {
            header: from(gz.header.as_ref()),
            height: gz.height,
            width: gz.width,
            fields: gz.field.iter().map(field).collect(),
            is_bigendian: gz.is_bigendian,
            point_step: gz.point_step,
            row_step: gz.row_step,
            data: gz.data.clone(),
            is_dense: gz.is_dense,
        }
    }
}

impl Convert<gz::Actuators> for actuator_msgs::Actuators {
    fn to_gz(&self) -> gz::Actuators {
        let (position, velocity, normalized) =
            (self.position.clone(), self.velocity.clone(), self.normalized.clone());
        gz::Actuators { header: stamped(&self.header), position, velocity, normalized }
    }
    fn from_gz(gz: &gz::Actuators) -> Self {
        let (position, velocity, normalized) =
            (gz.position.clone(), gz.velocity.clone(), gz.normalized.clone());
        Self { header: from(gz.header.as_ref()), position, velocity, normalized }
    }
}

impl Convert<gz::Altimeter> for ros_gz::Altimeter {
    fn to_gz(&self) -> gz::Altimeter {
        gz::Altimeter {
            header: stamped(&self.header),
            vertical_position: self.vertical_position,
            vertical_velocity: self.vertical_velocity,
            vertical_reference: self.vertical_reference,
        }
    }
    fn from_gz(gz: &gz::Altimeter) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            vertical_position: gz.vertical_position,
            vertical_velocity: gz.vertical_velocity,
            vertical_reference: gz.vertical_reference,
        }
    }
}

impl Convert<gz_geometry::JointWrench> for ros_gz::JointWrench {
    fn to_gz(&self) -> gz_geometry::JointWrench {
        gz_geometry::JointWrench {
            header: stamped(&self.header),
            body_1_name: self.body_1_name.data.clone(),
            body_1_id: self.body_1_id.data,
            body_2_name: self.body_2_name.data.clone(),
            body_2_id: self.body_2_id.data,
            body_1_wrench: Some(self.body_1_wrench.to_gz()),
            body_2_wrench: Some(self.body_2_wrench.to_gz()),
        }
    }
    fn from_gz(gz: &gz_geometry::JointWrench) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            body_1_name: std_msgs::String { data: gz.body_1_name.clone() },
            body_1_id: std_msgs::UInt32 { data: gz.body_1_id },
            body_2_name: std_msgs::String { data: gz.body_2_name.clone() },
            body_2_id: std_msgs::UInt32 { data: gz.body_2_id },
            body_1_wrench: from(gz.body_1_wrench.as_ref()),
            body_2_wrench: from(gz.body_2_wrench.as_ref()),
        }
    }
}

impl Convert<gz::Contact> for ros_gz::Contact {
    fn to_gz(&self) -> gz::Contact {
        gz::Contact {
            collision1: Some(self.collision1.to_gz()),
            collision2: Some(self.collision2.to_gz()),
            position: self.positions.iter().map(Convert::to_gz).collect(),
            normal: self.normals.iter().map(Convert::to_gz).collect(),
            depth: self.depths.clone(),
            wrench: self.wrenches.iter().map(Convert::to_gz).collect(),
            ..Default::default()
        }
    }
    fn from_gz(gz: &gz::Contact) -> Self {
        let vectors = |list: &[gz_geometry::Vector3d]| list.iter().map(Vector3::from_gz).collect();
        Self {
            collision1: from(gz.collision1.as_ref()),
            collision2: from(gz.collision2.as_ref()),
            positions: vectors(&gz.position),
            normals: vectors(&gz.normal),
            depths: gz.depth.clone(),
            wrenches: gz.wrench.iter().map(Convert::from_gz).collect(),
        }
    }
}

impl Convert<gz::Contacts> for ros_gz::Contacts {
    fn to_gz(&self) -> gz::Contacts {
        gz::Contacts {
            header: stamped(&self.header),
            contact: self.contacts.iter().map(Convert::to_gz).collect(),
        }
    }
    fn from_gz(gz: &gz::Contacts) -> Self {
        Self { header: from(gz.header.as_ref()), contacts: gz.contact.iter().map(Convert::from_gz).collect() }
    }
}
