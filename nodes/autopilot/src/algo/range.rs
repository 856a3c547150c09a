//! A range finder as DISTANCE_SENSOR.

use mavlink::dialects::common::{DISTANCE_SENSOR_DATA, MavDistanceSensor, MavSensorOrientation};

/// A reading of sensor_msgs/Range, metres and radians.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Width of the cone.
    pub field_of_view: f32,
    /// Nearest that is measured.
    pub min: f32,
    /// Farthest that is measured.
    pub max: f32,
    /// The range; -inf is too near, +inf nothing within `max`.
    pub range: f32,
    /// Ultrasound rather than infrared.
    pub ultrasound: bool,
}

/// Where a range finder may look, by the name of the parameter's choice.
#[must_use]
pub fn orientation(name: &str) -> Option<MavSensorOrientation> {
    use MavSensorOrientation as To;
    Some(match name {
        "down" => To::MAV_SENSOR_ROTATION_PITCH_270,
        "up" => To::MAV_SENSOR_ROTATION_PITCH_90,
        "forward" => To::MAV_SENSOR_ROTATION_NONE,
        "back" => To::MAV_SENSOR_ROTATION_PITCH_180,
        // Yaw about down: left is three quarters of a turn clockwise.
        "left" => To::MAV_SENSOR_ROTATION_YAW_270,
        "right" => To::MAV_SENSOR_ROTATION_YAW_90,
        _ => return None,
    })
}

/// The message; `None` when the reading says nothing.
#[must_use]
pub fn distance_sensor(
    reading: &Reading,
    to: MavSensorOrientation,
    boot_ms: u32,
) -> Option<DISTANCE_SENSOR_DATA> {
    let sound =
        reading.min >= 0.0 && reading.max > reading.min && reading.max.is_finite() && !reading.range.is_nan();
    if !sound {
        return None;
    }
    let cm = |metres: f32| (f64::from(metres) * 100.0 + 1e-3).floor().clamp(0.0, 65_534.0) as u16;
    let (min_distance, max_distance) = (cm(reading.min), cm(reading.max));
    // Outside of what is measured PX4 reads "beyond": one more than the largest, or one less than the least.
    let current_distance = if reading.range > reading.max {
        max_distance + 1
    } else if reading.range < reading.min {
        min_distance.saturating_sub(1)
    } else {
        cm(reading.range)
    };
    let kind = if reading.ultrasound {
        MavDistanceSensor::MAV_DISTANCE_SENSOR_ULTRASOUND
    } else {
        MavDistanceSensor::MAV_DISTANCE_SENSOR_INFRARED
    };
    let fov = if reading.field_of_view.is_finite() { reading.field_of_view.max(0.0) } else { 0.0 };
    Some(DISTANCE_SENSOR_DATA {
        time_boot_ms: boot_ms,
        min_distance,
        max_distance,
        current_distance,
        mavtype: kind,
        id: 0,
        orientation: to,
        covariance: u8::MAX,
        horizontal_fov: fov,
        vertical_fov: fov,
        ..Default::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const READING: Reading =
        Reading { field_of_view: 0.1, min: 0.2, max: 12.0, range: 3.456, ultrasound: false };

    #[test]
    fn metres_become_centimetres() {
        let down = orientation("down").unwrap();
        let m = distance_sensor(&READING, down, 5).unwrap();
        assert_eq!((m.min_distance, m.max_distance, m.current_distance, m.time_boot_ms), (20, 1200, 345, 5));
        assert_eq!((m.orientation as u8, m.horizontal_fov), (25, 0.1));
        let far = distance_sensor(&Reading { range: f32::INFINITY, ..READING }, down, 0).unwrap();
        let near = distance_sensor(&Reading { range: f32::NEG_INFINITY, ..READING }, down, 0).unwrap();
        assert_eq!((far.current_distance, near.current_distance), (1201, 19));
    }

    #[test]
    fn nonsense_is_none() {
        let down = orientation("down").unwrap();
        for bad in [
            Reading { range: f32::NAN, ..READING },
            Reading { max: 0.1, ..READING },
            Reading { max: f32::INFINITY, ..READING },
            Reading { min: f32::NAN, ..READING },
        ] {
            assert_eq!(distance_sensor(&bad, down, 0), None);
        }
        assert!(orientation("sideways").is_none());
    }
}
