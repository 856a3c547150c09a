//! Topic names that Gazebo gives by default.

use crate::sensors::spec::{SensorKind, SensorSpec};

/// The scope of a link in topic names: `/world/W/model/M/model/N/link/L`. `model` holds `::` between nested models.
pub fn link_scope(world: &str, model: &str, link: &str) -> String {
    let mut out = format!("/world/{world}");
    for part in model.split("::") {
        out += "/model/";
        out += part;
    }
    out + "/link/" + link
}

/// The topic that a sensor publishes on: its `<topic>` with a leading slash, else Gazebo's default.
///
/// Cameras that publish several topics (rgbd: image, depth_image, points; segmentation: colored_map, labels_map) hang
/// them below [`sensor_base`].
pub fn sensor_topic(world: &str, model: &str, link: &str, sensor: &SensorSpec) -> String {
    let last = match &sensor.kind {
        SensorKind::Camera(_) => "image",
        SensorKind::Depth(_) => "depth_image",
        SensorKind::Lidar(_) => "scan",
        SensorKind::Imu(_) => "imu",
        SensorKind::NavSat(_) => "navsat",
        SensorKind::AirPressure(_) => "air_pressure",
        SensorKind::Magnetometer(_) => "magnetometer",
        SensorKind::Altimeter(_) => "altimeter",
        SensorKind::Contact { .. } => "contact",
        SensorKind::BoundingBox(_) => "boundingbox_camera",
        SensorKind::Rgbd(_) | SensorKind::Segmentation(_) => "",
    };
    let base = sensor_base(world, model, link, sensor);
    match &sensor.topic {
        Some(_) => base,
        None if last.is_empty() => base,
        None => format!("{base}/{last}"),
    }
}

/// What the topics of a sensor begin with: its `<topic>`, else `SCOPE/sensor/NAME`.
pub fn sensor_base(world: &str, model: &str, link: &str, sensor: &SensorSpec) -> String {
    match &sensor.topic {
        Some(topic) if topic.starts_with('/') => topic.clone(),
        Some(topic) => format!("/{topic}"),
        None => format!("{}/sensor/{}", link_scope(world, model, link), sensor.name),
    }
}

/// The frame that a sensor's messages carry by default: `M::N::L::SENSOR` with slashes, as Gazebo has it.
pub fn sensor_frame(model: &str, link: &str, sensor: &SensorSpec) -> String {
    sensor.frame_id.clone().unwrap_or_else(|| format!("{}/{link}/{}", model.replace("::", "/"), sensor.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensors::spec::{CameraSpec, ImuSpec};

    #[test]
    fn names_are_gazebos() {
        let mut imu = SensorSpec::new("imu_sensor", SensorKind::Imu(ImuSpec::default()));
        let name = |s: &SensorSpec| sensor_topic("w", "x3::inner", "base_link", s);
        assert_eq!(name(&imu), "/world/w/model/x3/model/inner/link/base_link/sensor/imu_sensor/imu");
        assert_eq!(sensor_frame("x3::inner", "base_link", &imu), "x3/inner/base_link/imu_sensor");
        imu.topic = Some("imu".into());
        assert_eq!(name(&imu), "/imu");
        let rgbd = SensorSpec::new("eye", SensorKind::Rgbd(CameraSpec::default()));
        assert_eq!(name(&rgbd), "/world/w/model/x3/model/inner/link/base_link/sensor/eye");
    }
}
