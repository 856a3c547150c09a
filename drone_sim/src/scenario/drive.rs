//! Two wheels on level ground: Gazebo's DiffDrive.
//!
//! Kinematic: the wheels do not slip, speeds follow their command within the limits of the plugin, and the model stays on the height
//! at which it stood. Nothing stops it but its command.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};

use crate::checkpoint::{Stateful, Tape};
use crate::sdf::types::DiffDrive;

/// The wheels of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Drive {
    spec: DiffDrive,
    /// Numbers of the joints of the wheels, left and right, in the mechanism.
    wheels: Vec<(usize, f64)>,
    /// What it shall do: m/s forward, rad/s about up.
    wanted: [f64; 2],
    /// What it does.
    speed: [f64; 2],
    /// How far the wheels have turned, radians: left, right.
    turned: [f64; 2],
    /// Where odometry began.
    start: Option<Isometry3<f64>>,
}

impl Drive {
    /// Of a plugin, whose joints are found among those of the mechanism. `None` if a wheel of either side is missing.
    pub fn new(spec: &DiffDrive, joints: &[String]) -> Option<Self> {
        let number = |name: &String| joints.iter().position(|j| j == name);
        let side = |names: &[String], sign: f64| -> Option<Vec<(usize, f64)>> {
            let found: Vec<_> = names.iter().filter_map(number).map(|n| (n, sign)).collect();
            (!found.is_empty()).then_some(found)
        };
        let wheels = [side(&spec.left_joints, -1.0)?, side(&spec.right_joints, 1.0)?].concat();
        let zero = [0.0; 2];
        Some(Self { spec: spec.clone(), wheels, wanted: zero, speed: zero, turned: zero, start: None })
    }

    /// What it was made of.
    pub fn spec(&self) -> &DiffDrive {
        &self.spec
    }

    /// Takes a command: m/s forward, rad/s about up. What is not finite is left out.
    pub fn command(&mut self, forward: f64, turn: f64) {
        if forward.is_finite() && turn.is_finite() {
            self.wanted = [forward, turn];
        }
    }

    /// m/s forward and rad/s about up.
    pub fn speed(&self) -> [f64; 2] {
        self.speed
    }

    /// Its place since the start of odometry, in the frame it had then.
    pub fn odometry(&self, base: &Isometry3<f64>) -> Isometry3<f64> {
        self.start.map_or_else(Isometry3::identity, |start| start.inverse() * base)
    }

    /// The model's next frame, after `dt` seconds.
    pub fn step(&mut self, base: &Isometry3<f64>, dt: f64) -> Isometry3<f64> {
        self.start.get_or_insert(*base);
        let s = &self.spec;
        for (k, (speed, acceleration)) in
            [(s.linear, s.linear_acceleration), (s.angular, s.angular_acceleration)].into_iter().enumerate()
        {
            let wanted = self.wanted[k].clamp(speed[0], speed[1]);
            let change = (wanted - self.speed[k]).clamp(acceleration[0] * dt, acceleration[1] * dt);
            self.speed[k] += change;
        }
        let [forward, turn] = self.speed;
        let half = s.wheel_separation / 2.0;
        for (turned, side) in self.turned.iter_mut().zip([-1.0, 1.0]) {
            *turned += (forward + side * half * turn) / s.wheel_radius * dt;
        }
        // Along the arc: the chord lies at half of the angle.
        let angle = turn * dt;
        let about = |a: f64| UnitQuaternion::from_axis_angle(&Vector3::z_axis(), a);
        let chord = if angle.abs() < 1e-9 { 1.0 } else { (angle / 2.0).sin() / (angle / 2.0) };
        let heading = base.rotation * about(angle / 2.0) * Vector3::x();
        let way = heading * (forward * dt * chord);
        Isometry3::from_parts(Translation3::from(base.translation.vector + way), base.rotation * about(angle))
    }

    /// Joint, angle and speed of each wheel.
    pub fn wheels(&self) -> impl Iterator<Item = (usize, f64, f64)> {
        let ([forward, turn], half) = (self.speed, self.spec.wheel_separation / 2.0);
        let radius = self.spec.wheel_radius;
        self.wheels.iter().map(move |(joint, side)| {
            let turned = self.turned[usize::from(*side > 0.0)];
            (*joint, turned, (forward + side * half * turn) / radius)
        })
    }
}

impl Stateful for Drive {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        for pair in [&mut self.wanted, &mut self.speed, &mut self.turned] {
            pair.iter_mut().for_each(|x| tape.f64(x));
        }
        tape.option(&mut self.start, Isometry3::identity, Tape::pose);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drive() -> Drive {
        let spec = DiffDrive {
            left_joints: vec!["l".into()],
            right_joints: vec!["r".into()],
            wheel_separation: 0.5,
            wheel_radius: 0.1,
            linear_acceleration: [-1.0, 1.0],
            ..DiffDrive::default()
        };
        Drive::new(&spec, &["l".into(), "r".into()]).unwrap()
    }

    #[test]
    fn it_speeds_up_evenly_and_its_wheels_roll() {
        let (mut drive, mut base) = (drive(), Isometry3::translation(1.0, 0.0, 0.3));
        drive.command(2.0, 0.0);
        for _ in 0..3000 {
            base = drive.step(&base, 1e-3);
        }
        // Two seconds to 2 m/s, then one second at it.
        assert!((base.translation.x - 5.0).abs() < 2e-3 && base.translation.z == 0.3, "{base:?}");
        let wheels: Vec<_> = drive.wheels().collect();
        assert!((wheels[0].1 - 40.0).abs() < 0.02 && (wheels[1].2 - 20.0).abs() < 1e-9, "{wheels:?}");
    }

    #[test]
    fn it_drives_a_circle_back_to_where_it_began() {
        let (mut drive, mut base) = (drive(), Isometry3::translation(1.0, 2.0, 0.3));
        drive.spec.linear_acceleration = [f64::NEG_INFINITY, f64::INFINITY];
        drive.command(1.0, std::f64::consts::TAU / 4.0);
        for k in 0..4000 {
            base = drive.step(&base, 1e-3);
            if k == 1999 {
                // Half a circle of radius v / w to the left.
                let diameter = 2.0 / (std::f64::consts::TAU / 4.0);
                assert!((base.translation.vector - Vector3::new(1.0, 2.0 + diameter, 0.3)).norm() < 1e-6);
            }
        }
        assert!((base.translation.vector - Vector3::new(1.0, 2.0, 0.3)).norm() < 1e-6);
        let wheels: Vec<_> = drive.wheels().map(|w| w.1).collect();
        assert!((wheels[1] - wheels[0] - std::f64::consts::TAU * 0.5 / 0.1).abs() < 1e-6, "{wheels:?}");
    }
}
