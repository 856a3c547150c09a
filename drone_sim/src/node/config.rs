//! The node's parameters, and the parts that are built from them.

use std::sync::Arc;
use std::time::Duration;

use nalgebra::Vector3;
use peregrine::Params;
use peregrine_hil::ardupilot::Pulses;
use peregrine_render::Renderer;

use super::start::Start;
use crate::autopilot::settings::bad;
use crate::autopilot::{Kind, Output, Settings};
use crate::error::{Result, SimError};
use crate::flight::Rules;
use crate::outfit::Outfit;
use crate::physics::WindSpec;
use crate::rng::Stream;
use crate::scenario::{ForestSpec, World, build};
use crate::sensors::spec::{CameraSpec, Distortion, NoiseSpec, PixelFormat};
use crate::sensors::{ColorCamera, DepthCamera, Imu, ImuNoise, Mount};

/// Parameters of `drone_sim`.
#[derive(Params, Debug, Clone)]
pub struct Config {
    /// World: forest, empty, slalom, wall, or a file that ends in .sdf or .world.
    #[param(default = "forest".to_string())]
    pub world: String,
    /// Everything random follows from it.
    #[param(default = 1, range = 0..=i64::MAX)]
    pub seed: i64,
    /// Vehicle: x500 (agile, the airframe that PX4 flies in Gazebo) or x3 (slow to pitch). Empty takes the one that the world
    /// brings, else x500.
    #[param(default = String::new())]
    pub vehicle: String,
    /// Trees per square metre of the forest.
    #[param(default = 0.04, range = 0.0..=1.0)]
    pub density: f64,
    /// Trunk radius, metres.
    #[param(default = 0.3, range = 0.05..=2.0)]
    pub tree_radius: f64,
    /// Least distance between trunk axes, metres; 0 chooses from the density.
    #[param(default = 0.0, range = 0.0..=50.0)]
    pub min_spacing: f64,
    /// From start to goal, metres.
    #[param(default = 60.0, range = 5.0..=2000.0)]
    pub goal_distance: f64,
    /// Height of start and goal, metres.
    #[param(default = 2.0, range = 0.5..=20.0)]
    pub altitude: f64,
    /// Whether labelled things (stop sign, ball, car, person) stand beside the way.
    #[param(default = true)]
    pub props: bool,
    /// Radius of the vehicle's sphere for contacts and clearance, metres.
    #[param(default = 0.25, range = 0.05..=2.0)]
    pub body_radius: f64,
    /// Distance to the goal that counts as reached, metres.
    #[param(default = 1.5, range = 0.1..=20.0)]
    pub goal_radius: f64,
    /// Whether coming to the goal ends the flight.
    #[param(default = true)]
    pub goal_ends: bool,
    /// In lockstep a picture is never left out: when readers hold every slot of its topic, time waits for one of them. Real time,
    /// seconds, after which such a wait is given up with an error.
    #[param(default = 60.0, range = 0.01..=86400.0)]
    pub slot_patience: f64,
    /// Simulated time after which the flight ends, seconds.
    #[param(default = 120.0, range = 0.1..=86400.0)]
    pub time_limit: f64,
    /// What the first contact does: continue (count it) or stop.
    #[param(default = "continue".to_string())]
    pub on_collision: String,
    /// What the vehicle does until its first command: hover; rest, with its rotors at rest, as in Gazebo (that of a file that brings motors
    /// and no MulticopterVelocityControl then stands and takes rotor speeds alone); or auto: rest, if it is a file's own and Gazebo's
    /// clients command it (gz), unless on_collision is stop; else hover.
    #[param(default = "auto".to_string())]
    pub start: String,
    /// Threads that draw; 0 takes what the runtime allows. The pictures do not depend on it.
    #[param(default = 0, range = 0..=256)]
    pub threads: usize,
    /// Who draws: cpu, the same bytes on every machine; or gpu, through Vulkan (feature `gpu`), the same pictures within a
    /// tolerance, without smooth edges.
    #[param(default = "cpu".to_string())]
    pub renderer: String,
    /// Colour images per second; 0 for none.
    #[param(name = "camera.rate", default = 10.0, range = 0.0..=1000.0)]
    pub camera_rate: f64,
    /// Width of the colour image, pixels.
    #[param(name = "camera.width", default = 640, range = 16..=4096)]
    pub camera_width: u32,
    /// Height of the colour image, pixels.
    #[param(name = "camera.height", default = 480, range = 16..=4096)]
    pub camera_height: u32,
    /// Horizontal field of view of the colour camera, radians.
    #[param(name = "camera.hfov", default = 1.2, range = 0.1..=2.8)]
    pub camera_hfov: f64,
    /// Smooth edges in the colour image; they cost about as much as the rest of the picture.
    #[param(name = "camera.antialias", default = false)]
    pub camera_antialias: bool,
    /// Sun shadows in the colour image.
    #[param(name = "camera.shadows", default = true)]
    pub camera_shadows: bool,
    /// Pixels of the colour image: rgb8, bgr8 or mono8.
    #[param(name = "camera.format", default = "rgb8".to_string())]
    pub camera_format: String,
    /// Lens distortion after Brown and Conrady (plumb_bob): k1, k2, p1, p2, k3; empty for none.
    #[param(name = "camera.distortion", default = Vec::new())]
    pub camera_distortion: Vec<f64>,
    /// Deviation of each pixel's value; 1 is white.
    #[param(name = "camera.noise", default = 0.0, range = 0.0..=1.0)]
    pub camera_noise: f64,
    /// Exposure during which the camera moves, seconds: motion blur; 0 for sharp pictures. Costs eight pictures.
    #[param(name = "camera.exposure", default = 0.0, range = 0.0..=0.1)]
    pub camera_exposure: f64,
    /// Time from the first row's exposure to the last one's, seconds: a rolling shutter; 0 for a global one. Costs sixteen
    /// pictures.
    #[param(name = "camera.readout", default = 0.0, range = 0.0..=0.1)]
    pub camera_readout: f64,
    /// Depth images per second; 0 for none.
    #[param(name = "depth.rate", default = 30.0, range = 0.0..=1000.0)]
    pub depth_rate: f64,
    /// Width of the depth image, pixels.
    #[param(name = "depth.width", default = 320, range = 16..=4096)]
    pub depth_width: u32,
    /// Height of the depth image, pixels.
    #[param(name = "depth.height", default = 240, range = 16..=4096)]
    pub depth_height: u32,
    /// Horizontal field of view of the depth camera, radians (87 degrees).
    #[param(name = "depth.hfov", default = 1.5184, range = 0.1..=2.8)]
    pub depth_hfov: f64,
    /// Largest depth that is measured, metres; farther is +inf.
    #[param(name = "depth.range", default = 12.0, range = 0.5..=1000.0)]
    pub depth_range: f64,
    /// Deviation of the depth at one metre, metres; grows with the square of the distance.
    #[param(name = "depth.noise", default = 0.0, range = 0.0..=0.1)]
    pub depth_noise: f64,
    /// IMU readings per second; 0 for none.
    #[param(name = "imu.rate", default = 200.0, range = 0.0..=1000.0)]
    pub imu_rate: f64,
    /// Deviation of the accelerometer, m/s2.
    #[param(name = "imu.accelerometer_noise", default = 0.05, range = 0.0..=10.0)]
    pub accelerometer_noise: f64,
    /// Deviation of the gyroscope, rad/s.
    #[param(name = "imu.gyroscope_noise", default = 0.003, range = 0.0..=1.0)]
    pub gyroscope_noise: f64,
    /// More sensors, by name, with commas between: lidar (scan, scan/points), navsat, air_pressure, magnetometer, altimeter,
    /// contact, rgbd (rgbd/image, rgbd/depth_image, rgbd/points), segmentation (segmentation/labels_map,
    /// segmentation/colored_map), boundingbox (boundingbox, boundingbox_image), range (downwards), battery (battery_state).
    #[param(default = String::new())]
    pub sensors: String,
    /// Whether the sensors that an SDF file brings along, on its vehicle and on other models, are simulated, on Gazebo's topics.
    #[param(default = true)]
    pub vehicle_sensors: bool,
    /// Mean wind, m/s, world ENU, x.
    #[param(name = "wind.x", default = 0.0, range = -30.0..=30.0)]
    pub wind_x: f64,
    /// Mean wind, m/s, world ENU, y.
    #[param(name = "wind.y", default = 0.0, range = -30.0..=30.0)]
    pub wind_y: f64,
    /// Gusts after Dryden (MIL-F-8785C): the wind at 20 ft that they follow, m/s; 7.7 is light, 15 moderate; 0 for none.
    #[param(name = "wind.turbulence", default = 0.0, range = 0.0..=40.0)]
    pub wind_turbulence: f64,
    /// Odometry messages per second; 0 for none.
    #[param(name = "odom.rate", default = 100.0, range = 0.0..=1000.0)]
    pub odom_rate: f64,
    /// Both cameras' place before the body's centre, metres.
    #[param(name = "mount.forward", default = 0.12, range = -2.0..=2.0)]
    pub mount_forward: f64,
    /// Both cameras' place above the body's centre, metres.
    #[param(name = "mount.up", default = 0.03, range = -2.0..=2.0)]
    pub mount_up: f64,
    /// How far both cameras look down, radians.
    #[param(name = "mount.pitch", default = 0.0, range = -1.5..=1.5)]
    pub mount_pitch: f64,
    /// Talk with Gazebo's clients over gz-transport: topics, services, pause and steps (GZ_PARTITION, GZ_IP).
    #[param(default = false)]
    pub gz: bool,
    /// A flight controller outside that commands the rotors: px4 (MAVLink, TCP 4560) or ardupilot (JSON, UDP 9002); empty for
    /// none. The vehicle then begins on the ground, rotors at rest, and obeys no velocities.
    #[param(name = "autopilot.kind", default = String::new())]
    pub autopilot_kind: String,
    /// Where it is listened for, ADDRESS:PORT; empty for its own port on 127.0.0.1. Neither protocol has authentication.
    #[param(name = "autopilot.address", default = String::new())]
    pub autopilot_address: String,
    /// PX4: steps a second, Hz; each is a reading of the IMU and waits for an answer.
    #[param(name = "autopilot.rate", default = 250.0, range = 20.0..=1000.0)]
    pub autopilot_rate: f64,
    /// Real time after which a flight controller that does not answer is given up, seconds.
    #[param(name = "autopilot.timeout", default = 10.0, range = 0.1..=86400.0)]
    pub autopilot_timeout: f64,
    /// Real time after which one that does not come is given up, seconds.
    #[param(name = "autopilot.connect_timeout", default = 60.0, range = 0.1..=86400.0)]
    pub autopilot_connect_timeout: f64,
    /// PX4: whether an answer is waited for from the first step on. PX4 itself needs time to pass before it answers.
    #[param(name = "autopilot.strict", default = false)]
    pub autopilot_strict: bool,
    /// Channel (from 0) of each rotor, in the order of their motor numbers; empty for channels 0, 1, 2 and so on. So it is with PX4's
    /// and ArduPilot's quadrotor X and Gazebo's x500 and X3: front right, rear left, front left, rear right.
    #[param(name = "autopilot.motors", default = Vec::<i64>::new())]
    pub autopilot_motors: Vec<i64>,
    /// What a throttle of 0 to 1 is proportional to: speed or thrust of the rotor.
    #[param(name = "autopilot.output", default = "speed".to_string())]
    pub autopilot_output: String,
    /// Speed of an armed rotor at no throttle, rad/s.
    #[param(name = "autopilot.min_speed", default = 0.0, range = 0.0..=1000.0)]
    pub autopilot_min_speed: f64,
    /// ArduPilot: pulses of no and full throttle, microseconds (MOT_PWM_MIN, MOT_PWM_MAX).
    #[param(name = "autopilot.pulses", default = vec![1000, 2000])]
    pub autopilot_pulses: Vec<i64>,
    /// Latitude and longitude (degrees) and altitude (metres) of the world's origin, where the world says nothing of it.
    #[param(name = "autopilot.home", default = vec![47.397742, 8.545594, 488.0])]
    pub autopilot_home: Vec<f64>,
    /// File to set the simulation down in, at `checkpoint.at`; empty for none. It then goes on.
    #[param(name = "checkpoint.file", default = String::new())]
    pub checkpoint_file: String,
    /// Simulated time from which on the next step is set down, seconds.
    #[param(name = "checkpoint.at", default = 0.0, range = 0.0..=86400.0)]
    pub checkpoint_at: f64,
    /// Checkpoint to go on from, made with the same parameters; empty to begin anew.
    #[param(default = String::new())]
    pub restore: String,
    /// Stand still at the start until a client of Gazebo lets time go on.
    #[param(default = false)]
    pub paused: bool,
}

/// What a flight is made of.
pub(super) struct Parts {
    pub world: Arc<World>,
    pub outfit: Outfit,
    pub rules: Rules,
    pub renderer: Renderer,
    pub color: ColorCamera,
    pub depth: DepthCamera,
    pub imu: Imu,
    pub patience: Duration,
}

/// Identities of random streams; the scenario uses those below 100.
const DEPTH_STREAM: u64 = 100;
const IMU_STREAM: u64 = 101;
const COLOR_STREAM: u64 = 104;

impl Config {
    /// The forest that these parameters ask for.
    pub fn forest(&self) -> ForestSpec {
        ForestSpec {
            seed: self.seed as u64,
            density: self.density,
            tree_radius: self.tree_radius,
            min_spacing: self.min_spacing,
            goal_distance: self.goal_distance,
            altitude: self.altitude,
            props: self.props,
            ..ForestSpec::default()
        }
    }

    /// The parameters that a checkpoint must share, one a line: all but those that say how and how long it runs.
    pub(super) fn identity(&self) -> String {
        let told = Self {
            threads: 0,
            time_limit: 0.0,
            gz: false,
            paused: false,
            slot_patience: 60.0,
            checkpoint_file: String::new(),
            checkpoint_at: 0.0,
            restore: String::new(),
            start: Start::identity(self),
            ..self.clone()
        };
        format!("{told:#?}")
    }

    /// The wind that these parameters ask for.
    pub(super) fn wind(&self) -> WindSpec {
        let mean = Vector3::new(self.wind_x, self.wind_y, 0.0);
        WindSpec { mean, turbulence: self.wind_turbulence }
    }

    /// The flight controller outside that these parameters ask for.
    pub(super) fn autopilot(&self) -> Result<Option<Settings>> {
        let Some(kind) = Kind::by_name(&self.autopilot_kind)? else { return Ok(None) };
        let output = match self.autopilot_output.as_str() {
            "speed" => Output::Speed,
            "thrust" => Output::Thrust,
            other => {
                let value = format!("\"{other}\"");
                return Err(bad("autopilot.output", value, "which is unknown; use speed or thrust"));
            }
        };
        let pulse = |n: &i64| u16::try_from(*n).ok();
        let pulses: Option<Vec<u16>> = self.autopilot_pulses.iter().map(pulse).collect();
        let pulses = match pulses.as_deref() {
            Some(&[least, most]) if least < most => Pulses { least, most },
            _ => {
                let value = format!("{:?}", self.autopilot_pulses);
                return Err(bad("autopilot.pulses", value, "which is not a smaller and a larger pulse, us"));
            }
        };
        let home = match self.autopilot_home[..] {
            [lat, lon, alt] if lat.abs() <= 90.0 && lon.abs() <= 180.0 && alt.abs() < 1e5 => [lat, lon, alt],
            _ => {
                let value = format!("{:?}", self.autopilot_home);
                return Err(bad("autopilot.home", value, "which is not latitude, longitude and altitude"));
            }
        };
        Ok(Some(Settings {
            kind,
            at: self.autopilot_address.clone(),
            rate: self.autopilot_rate,
            timeout: self.autopilot_timeout,
            connect_timeout: self.autopilot_connect_timeout,
            strict: self.autopilot_strict,
            motors: Settings::channels(&self.autopilot_motors)?,
            output,
            min_speed: self.autopilot_min_speed,
            pulses,
            home,
        }))
    }

    /// The colour camera that these parameters ask for.
    fn eye(&self) -> Result<CameraSpec> {
        let bad = |name: &'static str, value: String, reason: &str| SimError::Parameter {
            name,
            value,
            reason: reason.to_string(),
        };
        let format = match self.camera_format.as_str() {
            "rgb8" => PixelFormat::Rgb8,
            "bgr8" => PixelFormat::Bgr8,
            "mono8" => PixelFormat::L8,
            other => {
                let value = format!("\"{other}\"");
                return Err(bad("camera.format", value, "which is unknown; use rgb8, bgr8 or mono8"));
            }
        };
        let distortion = match self.camera_distortion[..] {
            [] => Distortion::default(),
            [k1, k2, p1, p2, k3] if self.camera_distortion.iter().all(|c| c.is_finite()) => {
                Distortion { k: [k1, k2, k3], p: [p1, p2] }
            }
            _ => {
                let value = format!("{:?}", self.camera_distortion);
                return Err(bad("camera.distortion", value, "which is not five numbers: k1, k2, p1, p2, k3"));
            }
        };
        Ok(CameraSpec {
            width: self.camera_width,
            height: self.camera_height,
            hfov: self.camera_hfov,
            format,
            distortion,
            noise: NoiseSpec::white(self.camera_noise),
            exposure: self.camera_exposure,
            readout: self.camera_readout,
            ..CameraSpec::default()
        })
    }

    pub(super) fn build(&self, threads: usize) -> Result<Parts> {
        super::suite::check(&self.sensors)?;
        let bad = |name: &'static str, value: &str, reason: &str| SimError::Parameter {
            name,
            value: format!("\"{value}\""),
            reason: reason.to_string(),
        };
        let world = Arc::new(build(&self.world, &self.forest())?);
        let outfit = Outfit::of(&world, &self.vehicle)?;
        let stop_on_collision = match self.on_collision.as_str() {
            "continue" => false,
            "stop" => true,
            other => return Err(bad("on_collision", other, "which is unknown; use continue or stop")),
        };
        let seed = self.seed as u64;
        let mount =
            Mount { position: Vector3::new(self.mount_forward, 0.0, self.mount_up), pitch: self.mount_pitch };
        let noise = ImuNoise { accelerometer: self.accelerometer_noise, gyroscope: self.gyroscope_noise };
        let mut renderer = match self.renderer.as_str() {
            "cpu" => Renderer::new(threads)?,
            "gpu" => Renderer::on_gpu()?,
            other => return Err(bad("renderer", other, "which is unknown; use cpu or gpu")),
        };
        if self.renderer == "gpu" {
            tracing::info!("pictures are drawn by {}", renderer.device());
        }
        let mut settings = renderer.settings();
        settings.antialias = self.camera_antialias;
        let shadows = world.sdf.as_ref().is_none_or(|sdf| sdf.scene.shadows);
        settings.shadow.enabled = self.camera_shadows && shadows;
        renderer.set_settings(settings)?;
        Ok(Parts {
            world,
            outfit,
            rules: Rules {
                body_radius: self.body_radius,
                goal_radius: self.goal_radius,
                time_limit_ns: (self.time_limit * 1e9).round() as i64,
                stop_on_collision,
                goal_ends: self.goal_ends,
            },
            renderer,
            color: ColorCamera::with_optics(&self.eye()?, mount, Stream::new(seed, COLOR_STREAM))?,
            depth: DepthCamera::new(
                self.depth_width,
                self.depth_height,
                self.depth_hfov,
                self.depth_range,
                mount,
                self.depth_noise,
                Stream::new(seed, DEPTH_STREAM),
            )?,
            imu: Imu::new(noise, seed, IMU_STREAM),
            patience: Duration::from_secs_f64(self.slot_patience),
        })
    }
}
