//! Joints, joysticks, lights, forces, parameters, and what drives Gazebo's window.

use peregrine_msgs::builtin_interfaces::Duration;
use peregrine_msgs::rcl_interfaces::{Parameter, ParameterType, ParameterValue};
use peregrine_msgs::ros_gz_interfaces as ros;
use peregrine_msgs::sensor_msgs::{JointState, Joy};
use peregrine_msgs::trajectory_msgs::{JointTrajectory, JointTrajectoryPoint};
use peregrine_msgs::{gps_msgs, std_msgs};

use super::Convert;
use super::frames::{from, stamped};
use crate::msgs::bridged::{self as gz, any};
use crate::msgs::core::{StringMsgV, header};
use crate::msgs::scene;
use crate::msgs::sensing::NavSat;

impl Convert<scene::Model> for JointState {
    fn to_gz(&self) -> scene::Model {
        let at = |list: &[f64], i: usize| list.get(i).copied().unwrap_or(0.0);
        let joint = |(i, name): (usize, &String)| scene::Joint {
            name: name.clone(),
            axis1: Some(scene::Axis {
                position: at(&self.position, i),
                velocity: at(&self.velocity, i),
                force: at(&self.effort, i),
                ..scene::Axis::default()
            }),
            ..scene::Joint::default()
        };
        let joint = self.name.iter().enumerate().map(joint).collect();
        scene::Model { header: stamped(&self.header), joint, ..scene::Model::default() }
    }
    fn from_gz(gz: &scene::Model) -> Self {
        let axes = || gz.joint.iter().map(|j| j.axis1.clone().unwrap_or_default());
        Self {
            header: from(gz.header.as_ref()),
            name: gz.joint.iter().map(|j| j.name.clone()).collect(),
            position: axes().map(|a| a.position).collect(),
            velocity: axes().map(|a| a.velocity).collect(),
            effort: axes().map(|a| a.force).collect(),
        }
    }
}

impl Convert<gz::Joy> for Joy {
    fn to_gz(&self) -> gz::Joy {
        gz::Joy { header: stamped(&self.header), axes: self.axes.clone(), buttons: self.buttons.clone() }
    }
    fn from_gz(gz: &gz::Joy) -> Self {
        Self { header: from(gz.header.as_ref()), axes: gz.axes.clone(), buttons: gz.buttons.clone() }
    }
}

fn point_to_gz(ros: &JointTrajectoryPoint) -> gz::JointTrajectoryPoint {
    let (sec, nsec) = (ros.time_from_start.sec.into(), ros.time_from_start.nanosec as i32);
    gz::JointTrajectoryPoint {
        positions: ros.positions.clone(),
        velocities: ros.velocities.clone(),
        accelerations: ros.accelerations.clone(),
        effort: ros.effort.clone(),
        time_from_start: Some(gz::Duration { header: None, sec, nsec }),
    }
}

fn point_from_gz(gz: &gz::JointTrajectoryPoint) -> JointTrajectoryPoint {
    let time = gz.time_from_start.clone().unwrap_or_default();
    JointTrajectoryPoint {
        positions: gz.positions.clone(),
        velocities: gz.velocities.clone(),
        accelerations: gz.accelerations.clone(),
        effort: gz.effort.clone(),
        time_from_start: Duration {
            sec: time.sec.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
            nanosec: time.nsec.clamp(0, 999_999_999) as u32,
        },
    }
}

impl Convert<gz::JointTrajectory> for JointTrajectory {
    fn to_gz(&self) -> gz::JointTrajectory {
        gz::JointTrajectory {
            header: stamped(&self.header),
            joint_names: self.joint_names.clone(),
            points: self.points.iter().map(point_to_gz).collect(),
        }
    }
    fn from_gz(gz: &gz::JointTrajectory) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            joint_names: gz.joint_names.clone(),
            points: gz.points.iter().map(point_from_gz).collect(),
        }
    }
}

impl Convert<gz::EntityWrench> for ros::EntityWrench {
    fn to_gz(&self) -> gz::EntityWrench {
        let (entity, wrench) = (Some(self.entity.to_gz()), Some(self.wrench.to_gz()));
        gz::EntityWrench { header: stamped(&self.header), entity, wrench }
    }
    fn from_gz(gz: &gz::EntityWrench) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            entity: from(gz.entity.as_ref()),
            wrench: from(gz.wrench.as_ref()),
        }
    }
}

/// The strength of the signal travels in the header, as ros_gz_bridge has it.
const RSSI: &str = "rssi";

impl Convert<gz::Dataframe> for ros::Dataframe {
    fn to_gz(&self) -> gz::Dataframe {
        let rssi = header::Map { key: RSSI.into(), value: vec![self.rssi.to_string()] };
        let header = stamped(&self.header).map(|mut header| {
            header.data.push(rssi);
            header
        });
        let (src_address, dst_address) = (self.src_address.clone(), self.dst_address.clone());
        gz::Dataframe { header, src_address, dst_address, data: self.data.to_vec() }
    }
    fn from_gz(gz: &gz::Dataframe) -> Self {
        let found = gz.header.iter().flat_map(|h| &h.data).find(|d| d.key == RSSI);
        let rssi = found.and_then(|d| d.value.first()).and_then(|text| text.parse().ok());
        Self {
            header: from(gz.header.as_ref()),
            src_address: gz.src_address.clone(),
            dst_address: gz.dst_address.clone(),
            data: gz.data.clone(),
            rssi: rssi.unwrap_or(0.0),
        }
    }
}

impl Convert<gz::TrackVisual> for ros::TrackVisual {
    fn to_gz(&self) -> gz::TrackVisual {
        gz::TrackVisual {
            header: stamped(&self.header),
            name: self.name.clone(),
            id: self.id,
            inherit_orientation: self.inherit_orientation,
            min_dist: self.min_dist,
            max_dist: self.max_dist,
            r#static: self.is_static,
            use_model_frame: self.use_model_frame,
            xyz: Some(self.xyz.to_gz()),
            inherit_yaw: self.inherit_yaw,
        }
    }
    fn from_gz(gz: &gz::TrackVisual) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            name: gz.name.clone(),
            id: gz.id,
            inherit_orientation: gz.inherit_orientation,
            min_dist: gz.min_dist,
            max_dist: gz.max_dist,
            is_static: gz.r#static,
            use_model_frame: gz.use_model_frame,
            xyz: from(gz.xyz.as_ref()),
            inherit_yaw: gz.inherit_yaw,
        }
    }
}

impl Convert<gz::GuiCamera> for ros::GuiCamera {
    fn to_gz(&self) -> gz::GuiCamera {
        gz::GuiCamera {
            header: stamped(&self.header),
            name: self.name.clone(),
            view_controller: self.view_controller.clone(),
            pose: Some(self.pose.to_gz()),
            track: Some(self.track.to_gz()),
            projection_type: self.projection_type.clone(),
        }
    }
    fn from_gz(gz: &gz::GuiCamera) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            name: gz.name.clone(),
            view_controller: gz.view_controller.clone(),
            pose: from(gz.pose.as_ref()),
            track: from(gz.track.as_ref()),
            projection_type: gz.projection_type.clone(),
        }
    }
}

impl Convert<gz::VideoRecord> for ros::VideoRecord {
    fn to_gz(&self) -> gz::VideoRecord {
        gz::VideoRecord {
            header: stamped(&self.header),
            start: self.start,
            stop: self.stop,
            format: self.format.clone(),
            save_filename: self.save_filename.clone(),
        }
    }
    fn from_gz(gz: &gz::VideoRecord) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            start: gz.start,
            stop: gz.stop,
            format: gz.format.clone(),
            save_filename: gz.save_filename.clone(),
        }
    }
}

impl Convert<gz::SensorNoise> for ros::SensorNoise {
    fn to_gz(&self) -> gz::SensorNoise {
        gz::SensorNoise {
            header: stamped(&self.header),
            r#type: self.r#type.into(),
            mean: self.mean,
            stddev: self.stddev,
            bias_mean: self.bias_mean,
            bias_stddev: self.bias_stddev,
            precision: self.precision,
            dynamic_bias_stddev: self.dynamic_bias_stddev,
            dynamic_bias_correlation_time: self.dynamic_bias_correlation_time,
        }
    }
    fn from_gz(gz: &gz::SensorNoise) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            r#type: u8::try_from(gz.r#type).unwrap_or(Self::NONE),
            mean: gz.mean,
            stddev: gz.stddev,
            bias_mean: gz.bias_mean,
            bias_stddev: gz.bias_stddev,
            precision: gz.precision,
            dynamic_bias_stddev: gz.dynamic_bias_stddev,
            dynamic_bias_correlation_time: gz.dynamic_bias_correlation_time,
        }
    }
}

impl Convert<scene::Light> for ros::Light {
    fn to_gz(&self) -> scene::Light {
        scene::Light {
            header: stamped(&self.header),
            name: self.name.clone(),
            r#type: self.r#type.into(),
            pose: Some(self.pose.to_gz()),
            diffuse: Some(self.diffuse.to_gz()),
            specular: Some(self.specular.to_gz()),
            attenuation_constant: self.attenuation_constant,
            attenuation_linear: self.attenuation_linear,
            attenuation_quadratic: self.attenuation_quadratic,
            direction: Some(self.direction.to_gz()),
            range: self.range,
            cast_shadows: self.cast_shadows,
            spot_inner_angle: self.spot_inner_angle,
            spot_outer_angle: self.spot_outer_angle,
            spot_falloff: self.spot_falloff,
            id: self.id,
            parent_id: self.parent_id,
            intensity: self.intensity,
        }
    }
    fn from_gz(gz: &scene::Light) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            name: gz.name.clone(),
            r#type: u8::try_from(gz.r#type).unwrap_or(Self::POINT),
            pose: from(gz.pose.as_ref()),
            diffuse: from(gz.diffuse.as_ref()),
            specular: from(gz.specular.as_ref()),
            attenuation_constant: gz.attenuation_constant,
            attenuation_linear: gz.attenuation_linear,
            attenuation_quadratic: gz.attenuation_quadratic,
            direction: from(gz.direction.as_ref()),
            range: gz.range,
            cast_shadows: gz.cast_shadows,
            spot_inner_angle: gz.spot_inner_angle,
            spot_outer_angle: gz.spot_outer_angle,
            spot_falloff: gz.spot_falloff,
            id: gz.id,
            parent_id: gz.parent_id,
            intensity: gz.intensity,
        }
    }
}

impl Convert<StringMsgV> for ros::StringVec {
    fn to_gz(&self) -> StringMsgV {
        StringMsgV { header: stamped(&self.header), data: self.data.clone() }
    }
    fn from_gz(gz: &StringMsgV) -> Self {
        Self { header: from(gz.header.as_ref()), data: gz.data.clone() }
    }
}

/// Arrays have no counterpart in Gazebo, whose vectors, colours, poses and times have none in ROS: they become "not set", as in
/// ros_gz_bridge.
impl Convert<gz::Any> for ParameterValue {
    fn to_gz(&self) -> gz::Any {
        use any::{Value, ValueType};
        let (r#type, value) = match self.r#type {
            ParameterType::PARAMETER_BOOL => (ValueType::Boolean, Some(Value::BoolValue(self.bool_value))),
            ParameterType::PARAMETER_INTEGER => {
                let fits = self.integer_value.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
                (ValueType::Int32, Some(Value::IntValue(fits)))
            }
            ParameterType::PARAMETER_DOUBLE => {
                (ValueType::Double, Some(Value::DoubleValue(self.double_value)))
            }
            ParameterType::PARAMETER_STRING => {
                (ValueType::String, Some(Value::StringValue(self.string_value.clone())))
            }
            _ => (ValueType::None, None),
        };
        gz::Any { header: None, r#type: r#type as i32, value }
    }
    fn from_gz(gz: &gz::Any) -> Self {
        use any::Value;
        let out = Self::default();
        match &gz.value {
            Some(Value::BoolValue(value)) => {
                Self { r#type: ParameterType::PARAMETER_BOOL, bool_value: *value, ..out }
            }
            Some(Value::IntValue(value)) => {
                Self { r#type: ParameterType::PARAMETER_INTEGER, integer_value: (*value).into(), ..out }
            }
            Some(Value::DoubleValue(value)) => {
                Self { r#type: ParameterType::PARAMETER_DOUBLE, double_value: *value, ..out }
            }
            Some(Value::StringValue(value)) => {
                Self { r#type: ParameterType::PARAMETER_STRING, string_value: value.clone(), ..out }
            }
            _ => out,
        }
    }
}

fn named(prefix: &str, params: Vec<Parameter>) -> impl Iterator<Item = Parameter> {
    params.into_iter().map(move |p| Parameter { name: format!("{prefix}/{}", p.name), ..p })
}

/// Parameters of children are called `child_0/NAME`, as in ros_gz_bridge; the way back does not take that apart.
impl Convert<gz::Param> for ros::ParamVec {
    fn to_gz(&self) -> gz::Param {
        let params = self.params.iter().map(|p| (p.name.clone(), p.value.to_gz())).collect();
        gz::Param { header: stamped(&self.header), params, children: Vec::new() }
    }
    fn from_gz(gz: &gz::Param) -> Self {
        let own = gz
            .params
            .iter()
            .map(|(name, value)| Parameter { name: name.clone(), value: ParameterValue::from_gz(value) });
        let mut params: Vec<Parameter> = own.collect();
        for (i, child) in gz.children.iter().enumerate() {
            params.extend(named(&format!("child_{i}"), Self::from_gz(child).params));
        }
        Self { header: from(gz.header.as_ref()), params }
    }
}

/// Several sets of parameters are called `param_0/NAME`; the way back makes one set of all.
impl Convert<gz::ParamV> for ros::ParamVec {
    fn to_gz(&self) -> gz::ParamV {
        gz::ParamV { header: stamped(&self.header), param: vec![self.to_gz()] }
    }
    fn from_gz(gz: &gz::ParamV) -> Self {
        let mut params = Vec::new();
        for (i, set) in gz.param.iter().enumerate() {
            let set = <Self as Convert<gz::Param>>::from_gz(set);
            params.extend(named(&format!("param_{i}"), set.params));
        }
        Self { header: from(gz.header.as_ref()), params }
    }
}

/// `track` is, as ros_gz_bridge has it, an angle in radians from east, counter-clockwise; the definition of the message says degrees
/// from north.
impl Convert<NavSat> for gps_msgs::GPSFix {
    fn to_gz(&self) -> NavSat {
        NavSat {
            header: stamped(&self.header),
            latitude_deg: self.latitude,
            longitude_deg: self.longitude,
            altitude: self.altitude,
            velocity_east: self.track.cos() * self.speed,
            velocity_north: self.track.sin() * self.speed,
            velocity_up: self.climb,
            frame_id: self.header.frame_id.clone(),
        }
    }
    fn from_gz(gz: &NavSat) -> Self {
        let mut header: std_msgs::Header = from(gz.header.as_ref());
        if !gz.frame_id.is_empty() {
            header.frame_id = gz.frame_id.replace("::", "/");
        }
        let status = gps_msgs::GPSStatus::STATUS_GBAS_FIX;
        Self {
            header,
            status: gps_msgs::GPSStatus { status, ..gps_msgs::GPSStatus::default() },
            latitude: gz.latitude_deg,
            longitude: gz.longitude_deg,
            altitude: gz.altitude,
            track: gz.velocity_north.atan2(gz.velocity_east),
            speed: gz.velocity_east.hypot(gz.velocity_north),
            climb: gz.velocity_up,
            ..Self::default()
        }
    }
}
