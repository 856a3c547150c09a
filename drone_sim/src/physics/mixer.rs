//! Thrust and torques into rotor speeds, with an order of sacrifice when the rotors cannot give all.
//!
//! Of four upright rotors of one kind the matrix from thrusts to thrust and torques has an inverse. Of more, or of others, the least
//! of all thrusts that give what is asked is taken, each measured by the most that its rotor gives: a weighted pseudo-inverse
//! (Bodson, "Evaluation of optimization methods for control allocation", 2002, section "Pseudo-inverse").

use nalgebra::{Matrix4, Vector3, Vector4};

use super::rotors::{MOST_ROTORS, Rotors};
use super::vehicle::Vehicle;

/// Rotors turn at least at this share of their highest thrust, so that they stay steerable.
const IDLE_SHARE: f64 = 0.01;
/// A matrix that changes a unit of something by less than this of its largest change gives nothing of it.
const SINGULAR: f64 = 1e-9;

/// From a wrench to rotor speeds, for one vehicle.
#[derive(Debug, Clone)]
pub enum Mixer {
    /// Four upright rotors of one kind.
    Four(Four),
    /// Any others.
    Many(Box<Many>),
}

impl Mixer {
    /// `None` if the rotors cannot give all four of thrust, roll, pitch and yaw.
    pub fn new(vehicle: &Vehicle) -> Option<Self> {
        if vehicle.rotors.len() == 4 && vehicle.one_motor().is_some() {
            return Four::new(vehicle).map(Self::Four);
        }
        Many::new(vehicle).map(|many| Self::Many(Box::new(many)))
    }

    /// Rotor speeds, rad/s, for a thrust along the body's z (N) and torques (N m, body).
    ///
    /// If they cannot give all of it, yaw gives way first, then thrust, and roll and pitch last: a vehicle that
    /// cannot tilt cannot stop.
    pub fn rotor_speeds(&self, thrust: f64, torque: &Vector3<f64>) -> Rotors {
        match self {
            Self::Four(four) => four.rotor_speeds(thrust, torque),
            Self::Many(many) => many.rotor_speeds(thrust, torque),
        }
    }

    /// The thrust of each rotor that carries a weight (N) level and still, whether it can give that or not.
    pub fn carrying(&self, weight: f64) -> Rotors {
        match self {
            Self::Four(_) => Rotors::repeat(4, weight / 4.0),
            Self::Many(many) => many.lift.map(|share| share * weight),
        }
    }
}

/// The inverse of "rotor thrusts to wrench" of four rotors of one kind.
#[derive(Debug, Clone)]
pub struct Four {
    from_wrench: Matrix4<f64>,
    thrust_constant: f64,
    lowest: f64,
    highest: f64,
}

impl Four {
    fn new(vehicle: &Vehicle) -> Option<Self> {
        let motor = vehicle.one_motor()?;
        let to_wrench = Matrix4::from_fn(|row, i| {
            let rotor = &vehicle.rotors[i];
            match row {
                0 => 1.0,
                1 => rotor.position.y,
                2 => -rotor.position.x,
                _ => -rotor.spin * motor.moment_constant,
            }
        });
        let highest = motor.max_thrust();
        Some(Self {
            from_wrench: to_wrench.try_inverse()?,
            thrust_constant: motor.thrust_constant,
            lowest: IDLE_SHARE * highest,
            highest,
        })
    }

    fn rotor_speeds(&self, thrust: f64, torque: &Vector3<f64>) -> Rotors {
        let mut tilt = self.from_wrench * Vector4::new(0.0, torque.x, torque.y, 0.0);
        let range = tilt.max() - tilt.min();
        let room = self.highest - self.lowest;
        if range > room {
            tilt *= room / range;
        }
        let lift = self.from_wrench * Vector4::new(thrust, 0.0, 0.0, 0.0);
        let mut each = lift + tilt;
        let shift = (self.lowest - each.min()).max(0.0) - (each.max() - self.highest).max(0.0);
        each.add_scalar_mut(shift);
        let yaw = self.from_wrench * Vector4::new(0.0, 0.0, 0.0, torque.z);
        let mut share: f64 = 1.0;
        for (now, more) in each.iter().zip(yaw.iter()) {
            let room = if *more > 0.0 { self.highest - now } else { now - self.lowest };
            if more.abs() > 1e-12 {
                share = share.min((room / more.abs()).max(0.0));
            }
        }
        each += yaw * share;
        let speeds = each.map(|f| (f.clamp(self.lowest, self.highest) / self.thrust_constant).sqrt());
        Rotors::of(speeds.as_slice())
    }
}

/// The weighted pseudo-inverse of "rotor thrusts to wrench", column by column; thrusts in N.
#[derive(Debug, Clone)]
pub struct Many {
    /// Thrusts that give one newton of lift, and one newton metre about each axis, and nothing else.
    lift: Rotors,
    turns: [Rotors; 3],
    thrust_constants: Rotors,
    lowest: Rotors,
    /// Zero of a rotor that does not carry.
    highest: Rotors,
}

impl Many {
    pub(super) fn new(vehicle: &Vehicle) -> Option<Self> {
        let count = vehicle.rotors.len();
        if count > MOST_ROTORS {
            return None;
        }
        let highest = Rotors::from_fn(count, |i| {
            let rotor = &vehicle.rotors[i];
            if rotor.carries() { rotor.motor.max_thrust() } else { 0.0 }
        });
        // What a newton of a rotor gives: lift, and torque by its arm and against its spin.
        let given = |i: usize| {
            let rotor = &vehicle.rotors[i];
            let push = rotor.axis.into_inner();
            let torque = rotor.position.cross(&push) - push * (rotor.spin * rotor.motor.moment_constant);
            Vector4::new(push.z, torque.x, torque.y, torque.z)
        };
        let mut square = Matrix4::zeros();
        for (i, most) in highest.iter().enumerate() {
            square += given(i) * given(i).transpose() * (most * most);
        }
        // Rows of newtons and of newton metres are made comparable before it is asked whether one is missing.
        let scale = square.diagonal().map(|d| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 });
        let scaled = Matrix4::from_diagonal(&scale) * square * Matrix4::from_diagonal(&scale);
        if scaled.symmetric_eigenvalues().min() < SINGULAR {
            return None;
        }
        let back = square.try_inverse()?;
        let column = |k: usize| {
            let wrench = back.column(k).into_owned();
            Rotors::from_fn(count, |i| given(i).dot(&wrench) * highest[i] * highest[i])
        };
        Some(Self {
            lift: column(0),
            turns: [column(1), column(2), column(3)],
            thrust_constants: Rotors::from_fn(count, |i| vehicle.rotors[i].motor.thrust_constant),
            lowest: highest.map(|most| IDLE_SHARE * most),
            highest,
        })
    }

    pub(super) fn rotor_speeds(&self, thrust: f64, torque: &Vector3<f64>) -> Rotors {
        let used = |i: &usize| self.highest[*i] > 0.0;
        let all = 0..self.highest.len();
        let tilt = Rotors::from_fn(self.highest.len(), |i| {
            self.turns[0][i] * torque.x + self.turns[1][i] * torque.y
        });
        // Lift between which each rotor stays within what it can, if `share` of the tilt is given.
        let range = |share: f64| {
            all.clone().filter(used).filter(|i| self.lift[*i] > 0.0).fold(
                (f64::NEG_INFINITY, f64::INFINITY),
                |(low, high), i| {
                    let least = (self.lowest[i] - share * tilt[i]) / self.lift[i];
                    let most = (self.highest[i] - share * tilt[i]) / self.lift[i];
                    (low.max(least), high.min(most))
                },
            )
        };
        let mut share = 1.0_f64;
        let (mut low, mut high) = range(share);
        if low > high {
            // What a pair of rotors leaves of the tilt; linear in the share for each.
            for i in all.clone().filter(used) {
                for j in all.clone().filter(used) {
                    let apart = tilt[j] / self.lift[j] - tilt[i] / self.lift[i];
                    let room = self.highest[j] / self.lift[j] - self.lowest[i] / self.lift[i];
                    if apart > 0.0 {
                        share = share.min((room / apart).max(0.0));
                    }
                }
            }
            (low, high) = range(share);
        }
        let lift = thrust.min(high).max(low);
        let each = Rotors::from_fn(self.highest.len(), |i| self.lift[i] * lift + share * tilt[i]);
        let yaw = self.turns[2].map(|turn| turn * torque.z);
        let mut turned: f64 = 1.0;
        for i in all.filter(used) {
            let room = if yaw[i] > 0.0 { self.highest[i] - each[i] } else { each[i] - self.lowest[i] };
            if yaw[i].abs() > 1e-12 {
                turned = turned.min((room / yaw[i].abs()).max(0.0));
            }
        }
        Rotors::from_fn(self.highest.len(), |i| {
            let thrust = (each[i] + yaw[i] * turned).clamp(self.lowest[i], self.highest[i]);
            if thrust > 0.0 { (thrust / self.thrust_constants[i]).sqrt() } else { 0.0 }
        })
    }
}
