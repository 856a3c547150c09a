//! The battery, from SYS_STATUS.

use mavlink::dialects::common::SYS_STATUS_DATA;

/// What is known of the battery; `NaN` for what is not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Battery {
    /// Volts.
    pub voltage: f32,
    /// Amperes; negative while it discharges, as sensor_msgs/BatteryState has it.
    pub current: f32,
    /// Charge, 0 to 1.
    pub percentage: f32,
}

/// The battery; `None` when nothing is known of it.
#[must_use]
pub fn battery(m: &SYS_STATUS_DATA) -> Option<Battery> {
    let voltage = if m.voltage_battery == u16::MAX { f32::NAN } else { f32::from(m.voltage_battery) * 1e-3 };
    let current = if m.current_battery < 0 { f32::NAN } else { -f32::from(m.current_battery) * 1e-2 };
    let percentage = if (0..=100).contains(&m.battery_remaining) {
        f32::from(m.battery_remaining) * 1e-2
    } else {
        f32::NAN
    };
    let known = [voltage, percentage].iter().any(|v| v.is_finite());
    known.then_some(Battery { voltage, current, percentage })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_unknowns() {
        let m = SYS_STATUS_DATA {
            voltage_battery: 15_200,
            current_battery: 1_250,
            battery_remaining: 87,
            ..Default::default()
        };
        let b = battery(&m).unwrap();
        assert!((b.voltage - 15.2).abs() < 1e-4 && b.current == -12.5);
        assert!((b.percentage - 0.87).abs() < 1e-6);
        let unknown =
            SYS_STATUS_DATA { voltage_battery: u16::MAX, current_battery: -1, battery_remaining: -1, ..m };
        assert_eq!(battery(&unknown), None);
        let volts = battery(&SYS_STATUS_DATA { battery_remaining: -1, ..m }).unwrap();
        assert!(volts.percentage.is_nan());
    }
}
