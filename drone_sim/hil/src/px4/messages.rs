//! Readings as PX4's HIL messages: NED, FRD, gauss, hectopascals, centimetres.

use mavlink::dialects::common::{
    HIL_GPS_DATA, HIL_SENSOR_DATA, HIL_STATE_QUATERNION_DATA, HilSensorUpdatedFlags as Updated, MavMessage,
};
use nalgebra::Vector3;
use peregrine_mavlink::axes::{self, World};

use crate::readings::{Fix, Readings};

/// Standard gravity, m/s2.
const G: f64 = 9.80665;
/// Temperature at sea level and its fall with height (ISO 2533), kelvin and kelvin per metre.
const SEA: (f64, f64) = (288.15, 0.0065);

/// Microseconds of a moment.
pub(super) fn usec(time_ns: i64) -> u64 {
    time_ns.max(0) as u64 / 1000
}

/// Sensors. Fields that are not new are told as zero and not flagged.
pub(super) fn sensor(r: &Readings) -> MavMessage {
    let (force, rates) = (axes::body(&r.force), axes::body(&r.rates));
    let field = axes::body(&r.field.unwrap_or_default()) * 1e4;
    let mut fields = Updated::HIL_SENSOR_UPDATED_XACC
        | Updated::HIL_SENSOR_UPDATED_YACC
        | Updated::HIL_SENSOR_UPDATED_ZACC
        | Updated::HIL_SENSOR_UPDATED_XGYRO
        | Updated::HIL_SENSOR_UPDATED_YGYRO
        | Updated::HIL_SENSOR_UPDATED_ZGYRO;
    if r.field.is_some() {
        fields |= Updated::HIL_SENSOR_UPDATED_XMAG
            | Updated::HIL_SENSOR_UPDATED_YMAG
            | Updated::HIL_SENSOR_UPDATED_ZMAG;
    }
    let (mut pressure, mut height, mut celsius) = (0.0, 0.0, 0.0);
    if let Some(pascals) = r.pressure {
        fields |= Updated::HIL_SENSOR_UPDATED_ABS_PRESSURE
            | Updated::HIL_SENSOR_UPDATED_PRESSURE_ALT
            | Updated::HIL_SENSOR_UPDATED_TEMPERATURE;
        pressure = pascals / 100.0;
        height = pressure_altitude(pascals);
        celsius = SEA.0 - SEA.1 * height - 273.15;
    }
    MavMessage::HIL_SENSOR(HIL_SENSOR_DATA {
        time_usec: usec(r.time_ns),
        xacc: force.x as f32,
        yacc: force.y as f32,
        zacc: force.z as f32,
        xgyro: rates.x as f32,
        ygyro: rates.y as f32,
        zgyro: rates.z as f32,
        xmag: field.x as f32,
        ymag: field.y as f32,
        zmag: field.z as f32,
        abs_pressure: pressure as f32,
        diff_pressure: 0.0,
        pressure_alt: height as f32,
        temperature: celsius as f32,
        fields_updated: fields,
        id: 0,
    })
}

/// Height at which the standard atmosphere has a pressure, metres. Source: ISO 2533:1975, troposphere.
fn pressure_altitude(pascals: f64) -> f64 {
    const EXPONENT: f64 = 8.31432 * SEA.1 / (G * 0.028_964_4);
    SEA.0 / SEA.1 * (1.0 - (pascals.max(0.0) / 101_325.0).powf(EXPONENT))
}

/// A satellite fix.
pub(super) fn gps(time_ns: i64, fix: &Fix) -> MavMessage {
    let v = World::Ned.vector(&fix.velocity);
    let speed = v.x.hypot(v.y);
    // From north, clockwise; below walking pace it means nothing.
    let course = if speed > 0.2 { v.y.atan2(v.x).to_degrees().rem_euclid(360.0) * 100.0 } else { f64::NAN };
    MavMessage::HIL_GPS(HIL_GPS_DATA {
        time_usec: usec(time_ns),
        lat: (fix.latitude_deg * 1e7).round() as i32,
        lon: (fix.longitude_deg * 1e7).round() as i32,
        alt: (fix.altitude * 1e3).round() as i32,
        eph: (fix.deviation[0] * 100.0).clamp(1.0, 65_534.0) as u16,
        epv: (fix.deviation[1] * 100.0).clamp(1.0, 65_534.0) as u16,
        vel: (speed * 100.0).round() as u16,
        vn: (v.x * 100.0).round() as i16,
        ve: (v.y * 100.0).round() as i16,
        vd: (v.z * 100.0).round() as i16,
        cog: if course.is_finite() { (course.round() as u16) % 36_000 } else { u16::MAX },
        fix_type: 3,
        satellites_visible: 12,
        id: 0,
        // Not known by the receiver.
        yaw: 0,
    })
}

/// The truth, for PX4's log of it.
pub(super) fn state(r: &Readings) -> MavMessage {
    let t = &r.truth;
    let q = World::Ned.attitude(&t.attitude);
    let (rates, v) = (axes::body(&t.rates), World::Ned.vector(&t.velocity) * 100.0);
    let force = axes::body(&t.force) / G * 1000.0;
    let air = (t.airspeed * 100.0).round() as u16;
    MavMessage::HIL_STATE_QUATERNION(HIL_STATE_QUATERNION_DATA {
        time_usec: usec(r.time_ns),
        attitude_quaternion: [q.w as f32, q.i as f32, q.j as f32, q.k as f32],
        rollspeed: rates.x as f32,
        pitchspeed: rates.y as f32,
        yawspeed: rates.z as f32,
        lat: (t.geodetic[0] * 1e7).round() as i32,
        lon: (t.geodetic[1] * 1e7).round() as i32,
        alt: (t.geodetic[2] * 1e3).round() as i32,
        vx: v.x.round() as i16,
        vy: v.y.round() as i16,
        vz: v.z.round() as i16,
        ind_airspeed: air,
        true_airspeed: air,
        xacc: force.x.round() as i16,
        yacc: force.y.round() as i16,
        zacc: force.z.round() as i16,
    })
}

/// Of a body that stands still, for tests and fuzzing.
pub(crate) fn still(time_ns: i64) -> Readings {
    let up = Vector3::new(0.0, 0.0, G);
    Readings {
        time_ns,
        force: up,
        rates: Vector3::zeros(),
        field: None,
        pressure: None,
        fix: None,
        truth: crate::Truth {
            position: Vector3::zeros(),
            velocity: Vector3::zeros(),
            attitude: nalgebra::UnitQuaternion::identity(),
            rates: Vector3::zeros(),
            force: up,
            geodetic: [47.0, 8.0, 500.0],
            airspeed: 0.0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_axes_by_hand() {
        let mut r = still(4_000_999);
        r.force = Vector3::new(1.0, 2.0, 9.0);
        r.rates = Vector3::new(0.1, 0.2, 0.3);
        r.field = Some(Vector3::new(2e-5, 1e-5, -4e-5));
        r.pressure = Some(89_874.6);
        let MavMessage::HIL_SENSOR(m) = sensor(&r) else { panic!() };
        assert_eq!((m.time_usec, m.xacc, m.yacc, m.zacc), (4000, 1.0, -2.0, -9.0));
        assert_eq!((m.xgyro, m.ygyro, m.zgyro), (0.1, -0.2, -0.3));
        assert!((m.xmag - 0.2).abs() < 1e-6 && (m.ymag + 0.1).abs() < 1e-6 && (m.zmag - 0.4).abs() < 1e-6);
        // The table of the standard atmosphere at 1000 m.
        assert!((m.pressure_alt - 1000.0).abs() < 0.5 && (m.temperature - 8.5).abs() < 0.01);
        assert!((m.abs_pressure - 898.746).abs() < 1e-3);
        // What PX4 calls accel, gyro, mag and baro; not differential pressure.
        assert_eq!(m.fields_updated.bits(), 0b1_1011_1111_1111);
        let MavMessage::HIL_SENSOR(m) = sensor(&still(0)) else { panic!() };
        assert_eq!(m.fields_updated.bits(), 0b11_1111);
    }

    #[test]
    fn the_course_is_from_north_clockwise() {
        let fix = |velocity| Fix {
            latitude_deg: 47.397_742,
            longitude_deg: -8.5,
            altitude: 488.25,
            velocity,
            deviation: [0.5, 1.0],
        };
        let read = |velocity| match gps(0, &fix(velocity)) {
            MavMessage::HIL_GPS(m) => m,
            _ => panic!(),
        };
        let east = read(Vector3::new(3.0, 0.0, 1.0));
        assert_eq!((east.cog, east.vel, east.vn, east.ve, east.vd), (9000, 300, 0, 300, -100));
        assert_eq!((east.lat, east.lon, east.alt, east.eph), (473_977_420, -85_000_000, 488_250, 50));
        assert_eq!(read(Vector3::new(0.0, -1.0, 0.0)).cog, 18_000);
        assert_eq!(read(Vector3::zeros()).cog, u16::MAX);
    }

    #[test]
    fn the_truth_of_a_body_that_looks_east() {
        let MavMessage::HIL_STATE_QUATERNION(m) = state(&still(0)) else { panic!() };
        let h = std::f32::consts::FRAC_1_SQRT_2;
        for (told, right) in m.attitude_quaternion.iter().zip([h, 0.0, 0.0, h]) {
            assert!((told - right).abs() < 1e-6, "{:?}", m.attitude_quaternion);
        }
        assert_eq!((m.zacc, m.alt), (-1000, 500_000));
    }
}
