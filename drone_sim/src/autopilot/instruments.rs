//! What the flight controller's sensors show: those of the vehicle's file if it brings some, else common ones.

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use peregrine_hil::{Fix, Readings, Truth};

use super::{Kind, Settings};
use crate::flight::Flight;
use crate::physics::Sample;
use crate::scenario::World;
use crate::sensors::navsat::Datum;
use crate::sensors::spec::{AirPressureSpec, ImuSpec, NavSatSpec, NoiseSpec};
use crate::sensors::{AirPressure, Magnetometer, MountedImu, NavSat, Rate, SensorKind, SensorSpec};

/// Numbers of the noise of these sensors: below those of a vehicle's own, above those of the parameter `sensors`.
const IDS: u64 = 900;

/// A sensor with its times and place.
#[derive(Debug, Clone)]
struct Timed<T> {
    sensor: T,
    rate: Rate,
    last: i64,
    /// Sensor frame in the body.
    mount: Isometry3<f64>,
}

impl<T> Timed<T> {
    fn new(sensor: T, spec: Option<&SensorSpec>, usual: f64, mount: Isometry3<f64>) -> Self {
        let rate = spec.map(|s| s.update_rate).filter(|rate| *rate > 0.0).unwrap_or(usual);
        // As Gazebo's, which never fire more often than it steps.
        Self { sensor, rate: Rate::new(rate.min(1000.0)), last: 0, mount }
    }

    /// Index and length of the interval, seconds, if it is due.
    fn due(&mut self, now: i64) -> Option<(i64, f64)> {
        let index = self.rate.fire(now)?;
        let dt = (now - self.last) as f64 * 1e-9;
        self.last = now;
        Some((index, dt))
    }
}

/// All of them.
#[derive(Debug, Clone)]
pub struct Instruments {
    imu: MountedImu,
    readings: i64,
    last: i64,
    magnetometer: Timed<Magnetometer>,
    barometer: Timed<AirPressure>,
    navsat: Timed<NavSat>,
    datum: Datum,
    origin: Vector3<f64>,
}

impl Instruments {
    /// Those of a flight that is about to begin.
    pub fn new(settings: &Settings, flight: &Flight, seed: u64) -> Self {
        let world = flight.world();
        let told = world.sdf.as_ref().filter(|sdf| sdf.has_earth).map(|sdf| sdf.earth);
        let earth = told.unwrap_or_else(|| settings.earth());
        let quiet = settings.kind == Kind::ArduPilot;
        let white = |stddev: f64| if quiet { NoiseSpec::default() } else { NoiseSpec::white(stddev) };
        let imu = match kind(world, |k| matches!(k, SensorKind::Imu(_))) {
            Some((SensorSpec { kind: SensorKind::Imu(imu), .. }, _)) => *imu,
            // A small MEMS sensor. ArduPilot lays its own noise on.
            _ => ImuSpec {
                angular_velocity: [white(0.001); 3],
                linear_acceleration: [white(0.02); 3],
                ..ImuSpec::default()
            },
        };
        // What the autopilot gets is in body axes, wherever the sensor sits: boards are turned by its own parameters.
        let imu = MountedImu::new(&imu, UnitQuaternion::identity(), 0.0, seed, IDS);
        let (spec, mount) = split(kind(world, |k| matches!(k, SensorKind::Magnetometer(_))));
        let noise = match spec.map(|s| &s.kind) {
            Some(SensorKind::Magnetometer(noise)) => *noise,
            _ => [NoiseSpec::white(1e-7); 3],
        };
        let magnetometer = Magnetometer::new(&noise, earth.magnetic_field, seed, IDS + 1);
        let magnetometer = Timed::new(magnetometer, spec, 100.0, mount);
        let (spec, mount) = split(kind(world, |k| matches!(k, SensorKind::AirPressure(_))));
        let pressure = match spec.map(|s| &s.kind) {
            Some(SensorKind::AirPressure(pressure)) => pressure.pressure,
            _ => NoiseSpec::white(1.0),
        };
        // Barometer and satellites agree about the height of the ground.
        let pressure = AirPressureSpec { reference_altitude: earth.elevation, pressure };
        let barometer = Timed::new(AirPressure::new(&pressure, seed, IDS + 2), spec, 50.0, mount);
        let (spec, mount) = split(kind(world, |k| matches!(k, SensorKind::NavSat(_))));
        let navsat = match spec.map(|s| &s.kind) {
            Some(SensorKind::NavSat(navsat)) => *navsat,
            _ => NavSatSpec {
                horizontal_position: NoiseSpec::white(0.2),
                vertical_position: NoiseSpec::white(0.4),
                horizontal_velocity: NoiseSpec::white(0.05),
                vertical_velocity: NoiseSpec::white(0.05),
            },
        };
        let navsat = Timed::new(NavSat::new(&navsat, &earth, seed, IDS + 3), spec, 10.0, mount);
        let origin = flight.sample(flight.time_ns()).state.position;
        let datum = Datum::new(&earth);
        Self { imu, readings: 0, last: 0, magnetometer, barometer, navsat, datum, origin }
    }

    /// What they show at `now` (nanoseconds). Positions, velocities and the attitude that they tell are in one frame, east north up,
    /// whatever the world's heading; so is the magnetic field, which a compass is read by.
    pub fn read(&mut self, now: i64, flight: &Flight, sample: &Sample) -> Readings {
        let state = &sample.state;
        let (pose, turn) = (state.pose(), self.datum.turn() * state.rotation());
        let imu = self.imu.read(sample, self.readings, (now - self.last) as f64 * 1e-9);
        (self.readings, self.last) = (self.readings + 1, now);
        let m = &mut self.magnetometer;
        let field = m.due(now).map(|(index, dt)| {
            let attitude = turn * m.mount.rotation;
            // Back from the sensor's axes to the body's.
            m.mount.rotation * m.sensor.read(&attitude, index, dt)
        });
        let b = &mut self.barometer;
        let pressure = b.due(now).map(|(index, dt)| b.sensor.read((pose * b.mount).translation.z, index, dt));
        let n = &mut self.navsat;
        let fix = n.due(now).map(|(index, dt)| {
            let at = Point3::from((pose * n.mount).translation.vector);
            let reading = n.sensor.read(&at, &state.velocity, index, dt);
            let [level, up] = n.sensor.deviations();
            Fix {
                latitude_deg: reading.latitude_deg,
                longitude_deg: reading.longitude_deg,
                altitude: reading.altitude,
                velocity: reading.velocity,
                deviation: [level.max(0.1), up.max(0.1)],
            }
        });
        let truth = Truth {
            position: self.datum.to_enu(&(state.position - self.origin)),
            velocity: self.datum.to_enu(&state.velocity),
            attitude: turn,
            rates: state.rates,
            force: sample.specific_force,
            geodetic: self.datum.geodetic(&Point3::from(state.position)),
            airspeed: (state.velocity - flight.quad().wind).norm(),
        };
        Readings { time_ns: now, force: imu.specific_force, rates: imu.rates, field, pressure, fix, truth }
    }
}

/// The first sensor of a kind that the vehicle brings along, and its place in the body.
fn kind(world: &World, is: impl Fn(&SensorKind) -> bool) -> Option<(&SensorSpec, Isometry3<f64>)> {
    let craft = world.craft.as_ref()?;
    let (base, mut found) = (craft.pose.inverse(), None);
    craft.visit_links(&mut |_, _, link| {
        for spec in link.sensors.iter().filter(|spec| is(&spec.kind)) {
            found = found.or(Some((spec, base * link.pose * spec.pose)));
        }
    });
    found
}

fn split(found: Option<(&SensorSpec, Isometry3<f64>)>) -> (Option<&SensorSpec>, Isometry3<f64>) {
    found.map_or((None, Isometry3::identity()), |(spec, mount)| (Some(spec), mount))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use peregrine_hil::ardupilot::Pulses;

    use super::*;
    use crate::autopilot::Output;
    use crate::flight::Rules;
    use crate::physics::Vehicle;
    use crate::scenario::from_sdf;
    use crate::sdf::Loader;

    /// In a world that is turned a quarter, what looks along its x axis looks north: attitude, velocity, satellites and compass agree.
    #[test]
    fn all_that_a_flight_controller_is_told_is_in_one_frame() {
        let text = "<sdf version='1.9'><world name='w'><magnetic_field>0 2e-05 -4e-05</magnetic_field><spherical_coordinates>
            <latitude_deg>47</latitude_deg><longitude_deg>8</longitude_deg><heading_deg>90</heading_deg></spherical_coordinates>
            <frame name='start'><pose>0 0 2 0 0 0</pose></frame></world></sdf>";
        let loaded = Loader::without_files().load_str(text, "w").unwrap();
        let world = Arc::new(from_sdf(loaded, "w", 60.0, 2.0).unwrap());
        let mut flight = Flight::new(world, Vehicle::x500(), Rules::default()).unwrap();
        let settings = Settings {
            kind: Kind::ArduPilot,
            at: String::new(),
            rate: 250.0,
            timeout: 1.0,
            connect_timeout: 1.0,
            strict: true,
            motors: vec![0, 1, 2, 3],
            output: Output::Speed,
            min_speed: 0.0,
            pulses: Pulses { least: 1000, most: 2000 },
            home: [0.0; 3],
        };
        let mut instruments = Instruments::new(&settings, &flight, 1);
        let ahead = crate::physics::Command { velocity: Vector3::x() * 3.0, ..Default::default() };
        flight.command(ahead, crate::flight::Axes::Heading, 0);
        flight.advance(480_000_000).unwrap();
        let told = instruments.read(480_000_000, &flight, &flight.sample(480_000_000));
        let (forward, north) = (told.truth.attitude * Vector3::x(), Vector3::y());
        assert!(forward.dot(&north) > 0.7 && forward.x.abs() < 1e-2, "{forward}");
        assert!(told.truth.velocity.y > 0.5 && told.truth.velocity.x.abs() < 1e-2, "{}", told.truth.velocity);
        assert!(told.truth.geodetic[0] > 47.0 && told.fix.unwrap().velocity.y > 0.5);
        // The field points north and down, where the nose points too; level it has no part to the left.
        let field = told.field.unwrap();
        assert!(field.x > 1e-5 && field.y.abs() < 1e-6 && field.z < 0.0, "{field}");
    }
}
