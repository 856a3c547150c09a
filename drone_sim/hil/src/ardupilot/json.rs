//! The state as a line of JSON: NED and FRD, metres, radians, seconds.

use std::io::Write;

use nalgebra::Vector3;
use peregrine_mavlink::axes::{self, World};

use crate::readings::Readings;

/// Appends the line, between two line ends as SITL wants it.
pub fn write(r: &Readings, out: &mut Vec<u8>) {
    let (gyro, accel) = (axes::body(&r.rates), axes::body(&r.force));
    let (position, velocity) = (World::Ned.vector(&r.truth.position), World::Ned.vector(&r.truth.velocity));
    let q = World::Ned.attitude(&r.truth.attitude);
    let time = r.time_ns as f64 * 1e-9;
    let triple = |v: &Vector3<f64>| [number(v.x), number(v.y), number(v.z)];
    let ([gx, gy, gz], [ax, ay, az]) = (triple(&gyro), triple(&accel));
    let ([n, e, d], [vn, ve, vd]) = (triple(&position), triple(&velocity));
    // Writing to memory does not fail.
    let _ = write!(
        out,
        "\n{{\"timestamp\":{time:.9},\"imu\":{{\"gyro\":[{gx},{gy},{gz}],\"accel_body\":[{ax},{ay},{az}]}},\
         \"position\":[{n},{e},{d}],\"quaternion\":[{},{},{},{}],\"velocity\":[{vn},{ve},{vd}],\"airspeed\":{}}}\n",
        number(q.w),
        number(q.i),
        number(q.j),
        number(q.k),
        number(r.truth.airspeed),
    );
}

/// JSON has no infinity and no NaN; and -0 would be read as it stands, but looks like a fault.
fn number(x: f64) -> f64 {
    if x.is_finite() && x != 0.0 { x } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_by_hand() {
        let mut r = crate::px4::still(1_500_000_000);
        r.force = Vector3::new(0.5, 1.0, 9.75);
        r.truth.position = Vector3::new(1.0, 2.0, 3.0);
        r.truth.velocity = Vector3::new(0.25, 0.0, f64::NAN);
        let mut out = Vec::new();
        write(&r, &mut out);
        let text = String::from_utf8(out).unwrap();
        let start = "\n{\"timestamp\":1.500000000,\"imu\":{\"gyro\":[0,0,0],\"accel_body\":[0.5,-1,-9.75]},\"position\":[2,1,-3],\"quaternion\":[0.70";
        assert!(text.starts_with(start), "{text}");
        assert!(text.ends_with(",\"velocity\":[0,0.25,0],\"airspeed\":0}\n"), "{text}");
        assert_eq!(text.matches('\n').count(), 2);
    }
}
