//! The battery: charge, and voltage under load.
//!
//! An open-circuit voltage that falls linearly with charge, an inner resistance, and a current that follows the rotors'
//! mechanical power: the linear battery of Gazebo's LinearBatteryPlugin.

use super::rotors::Rotors;
use super::vehicle::Vehicle;
use crate::checkpoint::{Stateful, Tape};

/// What battery it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatterySpec {
    /// Capacity, ampere hours.
    pub capacity: f64,
    /// Open-circuit voltage when full, volts.
    pub full: f64,
    /// Open-circuit voltage when empty, volts.
    pub empty: f64,
    /// Inner resistance, ohms.
    pub resistance: f64,
    /// Share of electrical power that reaches the air as rotor power, 0 to 1; infinity if rotors cost nothing, as Gazebo's
    /// plugin has it.
    pub efficiency: f64,
    /// What everything but the rotors takes, watts.
    pub idle: f64,
    /// Time constant with which the current follows the load, seconds; 0 for at once.
    pub smoothing: f64,
    /// Whether nothing is drawn before a rotor turns.
    pub waits: bool,
}

impl Default for BatterySpec {
    /// Four lithium cells in series, 5 Ah, as a quadrotor of two kilograms carries them.
    fn default() -> Self {
        Self {
            capacity: 5.0,
            full: 16.8,
            empty: 13.2,
            resistance: 0.02,
            efficiency: 0.6,
            idle: 8.0,
            smoothing: 0.0,
            waits: false,
        }
    }
}

/// A battery in use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Battery {
    spec: BatterySpec,
    /// Ampere seconds drawn so far.
    drawn: f64,
    current: f64,
    /// Whether it is drawn from.
    on: bool,
}

impl Battery {
    /// A full one.
    pub fn new(spec: BatterySpec) -> Self {
        Self { spec, drawn: 0.0, current: 0.0, on: !spec.waits }
    }

    /// The same with that share of its capacity left, 0 to 1.
    #[must_use]
    pub fn charged(mut self, share: f64) -> Self {
        self.drawn = (1.0 - share.clamp(0.0, 1.0)) * self.spec.capacity * 3600.0;
        self
    }

    /// Lets `dt` seconds pass with rotors at these speeds, rad/s.
    pub fn step(&mut self, vehicle: &Vehicle, rotors: &Rotors, dt: f64) {
        self.on |= rotors.iter().any(|w| *w != 0.0);
        if !self.on {
            return;
        }
        // Drag torque times speed.
        let shaft: f64 = vehicle
            .rotors
            .iter()
            .zip(rotors)
            .map(|(r, w)| r.motor.moment_constant * r.motor.thrust_constant * w.abs().powi(3))
            .sum();
        let power = self.spec.idle + shaft / self.spec.efficiency;
        let open = self.open_circuit();
        // power = (open - resistance * current) * current; beyond the peak of that curve the most it can give.
        let under = open * open - 4.0 * self.spec.resistance * power;
        let asked = if self.charge() <= 0.0 {
            0.0
        } else if under > 0.0 && self.spec.resistance > 0.0 {
            (open - under.sqrt()) / (2.0 * self.spec.resistance)
        } else if self.spec.resistance > 0.0 {
            open / (2.0 * self.spec.resistance)
        } else {
            power / open
        };
        let empty = self.charge() <= 0.0;
        let share = if empty || self.spec.smoothing <= dt { 1.0 } else { dt / self.spec.smoothing };
        self.current = if share >= 1.0 { asked } else { self.current + share * (asked - self.current) };
        self.drawn += self.current * dt;
    }

    fn open_circuit(&self) -> f64 {
        self.spec.empty + (self.spec.full - self.spec.empty) * self.charge()
    }

    /// Share of the capacity that is left, 0 to 1.
    pub fn charge(&self) -> f64 {
        (1.0 - self.drawn / (self.spec.capacity * 3600.0)).max(0.0)
    }

    /// Volts at the terminals.
    pub fn voltage(&self) -> f64 {
        self.open_circuit() - self.spec.resistance * self.current
    }

    /// Amperes drawn.
    pub fn current(&self) -> f64 {
        self.current
    }

    /// What it was made of.
    pub fn spec(&self) -> &BatterySpec {
        &self.spec
    }
}

impl Stateful for Battery {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        tape.f64(&mut self.drawn);
        tape.f64(&mut self.current);
        tape.bool(&mut self.on);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hover_lasts_as_long_as_its_power_says() {
        let vehicle = Vehicle::x500();
        let speed = vehicle.hover_speed(9.8);
        let spec = BatterySpec { resistance: 0.0, full: 15.0, empty: 15.0, ..BatterySpec::default() };
        let mut battery = Battery::new(spec);
        let rotors = Rotors::repeat(4, speed);
        let mut seconds = 0.0;
        while battery.charge() > 0.5 {
            battery.step(&vehicle, &rotors, 0.1);
            seconds += 0.1;
        }
        let motor = vehicle.rotors[0].motor;
        let shaft = 4.0 * motor.moment_constant * motor.thrust_constant * speed.powi(3);
        let watts = spec.idle + shaft / spec.efficiency;
        let expected = 0.5 * spec.capacity * 3600.0 * 15.0 / watts;
        assert!((seconds - expected).abs() < 0.2, "{seconds} {expected}");
    }

    /// It stands until a rotor turns; then the current rises as 1 - exp(-t / tau).
    #[test]
    fn it_may_wait_for_the_rotors_and_follow_the_load_slowly() {
        let vehicle = Vehicle::x500();
        let load =
            BatterySpec { efficiency: f64::INFINITY, idle: 60.0, resistance: 0.0, ..BatterySpec::default() };
        let spec = BatterySpec { smoothing: 0.5, waits: true, full: 12.0, empty: 12.0, ..load };
        let mut battery = Battery::new(spec);
        for _ in 0..1000 {
            battery.step(&vehicle, &Rotors::repeat(4, 0.0), 1e-3);
        }
        assert_eq!((battery.charge(), battery.current()), (1.0, 0.0));
        for _ in 0..500 {
            battery.step(&vehicle, &Rotors::repeat(4, 10.0), 1e-3);
        }
        let expected = 5.0 * (1.0 - (-1.0_f64).exp());
        assert!((battery.current() - expected).abs() < 5e-3, "{} {expected}", battery.current());
        // What a rotor began goes on when it stops.
        battery.step(&vehicle, &Rotors::repeat(4, 0.0), 1e-3);
        assert!(battery.current() > expected);
    }

    #[test]
    fn voltage_sags_under_load_and_falls_with_charge() {
        let vehicle = Vehicle::x500();
        let mut battery = Battery::new(BatterySpec::default());
        assert_eq!(battery.voltage(), 16.8);
        battery.step(&vehicle, &Rotors::repeat(4, 800.0), 0.001);
        let loaded = battery.voltage();
        assert!(loaded < 16.8 && battery.current() > 5.0, "{loaded}");
        for _ in 0..100_000 {
            battery.step(&vehicle, &Rotors::repeat(4, 800.0), 0.1);
        }
        assert_eq!((battery.charge(), battery.current()), (0.0, 0.0));
    }
}
