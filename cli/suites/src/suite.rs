//! The suites: which world a seed means, and how it is flown.

use std::path::PathBuf;

use peregrine_avoidance::algo::config::{Config, Lidar};
use peregrine_avoidance::algo::geometry::Pose;
use peregrine_avoidance::algo::panorama::Fan;

use crate::camera::Stereo;
use crate::error::SuiteError;
use crate::file::{Form, WorldFile};
use crate::flight::Setup;
use crate::scanner::Laser;
use crate::world::World;
use crate::worlds;

/// A family of worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// Poisson forest, one tree per 25 m2.
    Poisson25,
    /// Poisson forest, one tree per 16 m2.
    Poisson16,
    /// The BARN worlds, flown at a fixed altitude.
    Barn,
    /// The forests of ETH's forest_gen.
    ForestGen,
    /// Random forests of thick cylinders, 0.1 per m2.
    Dense,
    /// People and crossing drones.
    Moving,
    /// Mazes, U-traps and spirals.
    Maze,
    /// A file of one's own.
    File,
}

/// All suites, in the order of the documentation.
pub const SUITES: [Suite; 8] = [
    Suite::Poisson25,
    Suite::Poisson16,
    Suite::Barn,
    Suite::ForestGen,
    Suite::Dense,
    Suite::Moving,
    Suite::Maze,
    Suite::File,
];

impl Suite {
    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Poisson25 => "poisson25",
            Self::Poisson16 => "poisson16",
            Self::Barn => "barn",
            Self::ForestGen => "forest_gen",
            Self::Dense => "dense",
            Self::Moving => "moving",
            Self::Maze => "maze",
            Self::File => "file",
        }
    }

    /// From its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SUITES.into_iter().find(|s| s.name() == name)
    }

    /// The set speed when none is given, m/s.
    #[must_use]
    pub const fn speed(self) -> f64 {
        match self {
            Self::Poisson25 | Self::Poisson16 => 5.0,
            Self::Barn => 2.0,
            Self::ForestGen | Self::Dense | Self::Moving | Self::File => 4.0,
            Self::Maze => 3.0,
        }
    }

    /// What it is flown with when nothing else is asked for. Between walls a camera of 87 degrees never sees what is beside and behind
    /// the vehicle; who flies there has a scanner, as the robots of BARN's own challenge do.
    #[must_use]
    pub const fn sensors(self) -> Sensors {
        match self {
            Self::Barn | Self::Maze => Sensors::DepthAndScan,
            _ => Sensors::Depth,
        }
    }

    /// The world file that the suite needs, in the folder of shared worlds.
    #[must_use]
    pub const fn file(self) -> Option<&'static str> {
        match self {
            Self::Barn => Some("barn_worlds.json"),
            Self::ForestGen => Some("forest_gen_trees.json"),
            _ => None,
        }
    }
}

/// What the vehicle sees by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensors {
    /// The depth camera alone.
    Depth,
    /// With a laser scanner of one plane beside it.
    DepthAndScan,
}

impl Sensors {
    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Depth => "depth",
            Self::DepthAndScan => "depth,scan",
        }
    }

    /// From its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Depth, Self::DepthAndScan].into_iter().find(|s| s.name() == name)
    }
}

/// A suite with the worlds it needs.
#[derive(Debug, Clone)]
pub struct Course {
    /// Which.
    pub suite: Suite,
    /// Set speed, m/s.
    pub speed: f64,
    worlds: Option<WorldFile>,
}

impl Course {
    /// `file` overrides the worlds of `barn` and `forest_gen`, and is the world of `file`.
    ///
    /// # Errors
    /// [`SuiteError::NoFile`] when the suite needs one, and what [`WorldFile::read`] says.
    pub fn new(suite: Suite, speed: Option<f64>, file: Option<PathBuf>) -> Result<Self, SuiteError> {
        let worlds = match (file, suite) {
            (Some(file), _) => Some(WorldFile::read(&file)?),
            (None, Suite::Barn | Suite::ForestGen | Suite::File) => {
                return Err(SuiteError::NoFile {
                    suite: suite.name(),
                    usual: suite.file().unwrap_or("FILE.json"),
                });
            }
            (None, _) => None,
        };
        Ok(Self { suite, speed: speed.unwrap_or(suite.speed()), worlds })
    }

    /// With worlds read otherwise (an SDF file).
    #[must_use]
    pub fn with_worlds(suite: Suite, speed: Option<f64>, worlds: WorldFile) -> Self {
        Self { suite, speed: speed.unwrap_or(suite.speed()), worlds: Some(worlds) }
    }

    /// The world of `seed`.
    #[must_use]
    pub fn world(&self, seed: u64) -> World {
        if let Some(file) = &self.worlds {
            let mut world = file.world(seed);
            if self.suite == Suite::Barn && file.form() == Form::Barn {
                world.altitude = (world.start.z - 0.15, world.start.z + 0.15);
            }
            return world;
        }
        match self.suite {
            Suite::Poisson16 => worlds::poisson::forest(seed, 1.0 / 16.0),
            Suite::Dense => worlds::poisson::dense(seed),
            Suite::Moving => worlds::moving::crowd(seed),
            Suite::Maze => worlds::maze::of(seed),
            _ => worlds::poisson::forest(seed, 1.0 / 25.0),
        }
    }

    /// How it is flown: one vehicle and one set of parameters for all suites, but for the set speed and the fence.
    #[must_use]
    pub fn setup(&self, world: &World) -> Setup {
        let config = Config {
            cruise_speed: self.speed,
            max_speed: (self.speed + 0.5).max(3.0),
            altitude_min: world.altitude.0,
            altitude_max: world.altitude.1,
            ..bench_config()
        };
        Setup {
            config,
            camera_latency: 0.029,
            command_latency: 0.021,
            mismatch: 0.25,
            rays: 160,
            far: 12.0,
            stereo: Stereo { noise: 0.0025, dropout: 0.02, step: 0.0005 },
            laser: None,
            record: false,
        }
    }
}

/// Puts a small laser scanner beside the depth camera, and tells the planner so. What it is told: surfaces are up to one and a half
/// sigma nearer (the margins are there for the rest: told three, it finds many gaps of `barn` too narrow); what stands in the scanned plane also stands a metre above and below it (true of walls and trunks; who flies among
/// tables must not say so).
pub fn add_scanner(setup: &mut Setup) {
    let laser = Laser::SMALL;
    setup.config.scan = Some(Lidar {
        fan: Fan::Plane { reach: 1.0 },
        in_body: Pose::IDENTITY,
        timeout: 0.25,
        max_range: f64::from(laser.limits.1),
        error: f64::from(1.5 * laser.noise),
    });
    setup.laser = Some(laser);
}

/// The parameters that fit [`crate::vehicle::Truth::NOMINAL`] and its mismatch.
#[must_use]
pub fn bench_config() -> Config {
    Config {
        max_acceleration: 8.0,
        brake_deceleration: 6.0,
        velocity_lag: 0.33,
        command_delay: 0.026,
        margin: 0.2,
        keep_off: 0.6,
        max_range: 12.0,
        depth_timeout: 0.1,
        max_yaw_rate: 2.5,
        scan_rate: 1.5,
        ..Config::default()
    }
}
