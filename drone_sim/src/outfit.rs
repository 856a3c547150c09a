//! What a flight in a world is given: the vehicle, the wind and the battery of the world's own file, or the simulator's where it brings
//! none. The node and batches fly by the same.

use nalgebra::Vector3;

use crate::error::{Result, SimError};
use crate::flight::Flight;
use crate::physics::{BatterySpec, Vehicle, WindSpec};
use crate::rng::Stream;
use crate::scenario::World;
use crate::sdf::types::{Known, SdfModel};

/// The number of the stream of the gusts; the scenario uses those below 100.
const WIND_STREAM: u64 = 110;

/// Vehicle, wind and battery.
#[derive(Debug, Clone, PartialEq)]
pub struct Outfit {
    /// What flies.
    pub vehicle: Vehicle,
    /// Mean wind of the world's file, m/s, world ENU.
    pub wind: Vector3<f64>,
    /// Battery of the vehicle's file, and the share of its capacity at the start.
    pub battery: Option<(BatterySpec, f64)>,
    /// The highest acceleration that the file's MulticopterVelocityControl asks for along each axis, m/s2; infinite without.
    pub acceleration: Vector3<f64>,
}

impl Outfit {
    /// That of a world. `name` chooses one of the simulator's vehicles in place of the file's; empty takes the file's, and the x500
    /// where it brings none or one that cannot be read, which is said.
    ///
    /// # Errors
    /// PG-1021 for a name that is none.
    pub fn of(world: &World, name: &str) -> Result<Self> {
        Ok(Self {
            vehicle: vehicle(world, name)?,
            wind: world.sdf.as_ref().map_or_else(Vector3::zeros, |sdf| sdf.wind),
            battery: world
                .craft
                .as_ref()
                .and_then(|model| BatterySpec::of_model(model))
                .map(|(_, spec, charge)| (spec, charge)),
            acceleration: world.craft.as_deref().map_or(Vector3::repeat(f64::INFINITY), acceleration),
        })
    }

    /// A flight with this wind, on top of one that is asked for, on this battery and within these accelerations; gusts follow the
    /// seed.
    #[must_use]
    pub fn put_on(&self, mut flight: Flight, asked: WindSpec, seed: u64) -> Flight {
        flight.limit_acceleration(&self.acceleration);
        let wind = WindSpec { mean: asked.mean + self.wind, ..asked };
        let flight = flight.in_wind(wind, Stream::new(seed, WIND_STREAM));
        match &self.battery {
            Some((spec, charge)) => flight.on_battery(*spec, *charge),
            None => flight,
        }
    }
}

/// Of the model's own controller, or of none.
fn acceleration(craft: &SdfModel) -> Vector3<f64> {
    let control = craft.plugins.iter().find_map(|p| match &p.known {
        Some(Known::MulticopterVelocityControl(control)) => Some(control),
        _ => None,
    });
    control.map_or(Vector3::repeat(f64::INFINITY), |c| c.max_linear_acceleration.abs())
}

fn vehicle(world: &World, name: &str) -> Result<Vehicle> {
    let Some(craft) = world.craft.as_deref().filter(|_| name.is_empty()) else {
        let name = if name.is_empty() { "x500" } else { name };
        return Vehicle::by_name(name).ok_or_else(|| SimError::Parameter {
            name: "vehicle",
            value: format!("\"{name}\""),
            reason: "which is unknown; use x500 or x3".to_string(),
        });
    };
    let mut vehicle = Vehicle::of_model(craft).unwrap_or_else(|reason| {
        tracing::warn!("PG-1032 model {} flies with the figures of the x500: {reason}", craft.name);
        Vehicle::x500()
    });
    vehicle.wind_response = wind_response(world, craft);
    Ok(vehicle)
}

/// WindEffects is a plugin of the world, and acts on models that let it.
fn wind_response(world: &World, craft: &SdfModel) -> f64 {
    let mut effects = world.sdf.iter().flat_map(|sdf| &sdf.plugins);
    let effects = effects.rfind(|p| p.known == Some(Known::WindEffects));
    let blown = craft.enable_wind || craft.links.iter().any(|l| l.enable_wind);
    effects.filter(|_| blown).map_or(0.0, |plugin| {
        let factor = plugin.param("force_approximation_scaling_factor");
        factor.and_then(|f| f.trim().parse().ok()).map_or(1.0, |f: f64| f.max(0.0))
    })
}
