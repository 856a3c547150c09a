//! Plugins, by their Gazebo names.
//!
//! A plugin keeps its name, file and parameters as written; those whose work the simulator does itself are
//! [`Plugin::known`] with their parameters read, in Gazebo's units and with Gazebo's defaults.

use nalgebra::Vector3;

/// `<plugin>`.
#[derive(Debug, Clone, PartialEq)]
pub struct Plugin {
    /// `name`, as in `gz::sim::systems::Imu`.
    pub name: String,
    /// `filename`.
    pub filename: String,
    /// What stands inside.
    pub params: Vec<PluginNode>,
    /// What it is, if the simulator does its work.
    pub known: Option<Known>,
}

impl Plugin {
    /// The text of the first parameter of that name.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|p| p.name == name).map(|p| p.text.as_str())
    }
}

/// An element inside a plugin, kept as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginNode {
    /// The tag.
    pub name: String,
    /// Its attributes.
    pub attributes: Vec<(String, String)>,
    /// The text inside, trimmed.
    pub text: String,
    /// Elements inside.
    pub children: Vec<PluginNode>,
}

impl PluginNode {
    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&PluginNode> {
        self.children.iter().find(|c| c.name == name)
    }
}

/// The plugins whose work the simulator does.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// One rotor.
    MulticopterMotorModel(MotorModel),
    /// The velocity controller.
    MulticopterVelocityControl(VelocityControl),
    /// Odometry.
    OdometryPublisher(OdometryPublisher),
    /// Poses of the parts of a model.
    PosePublisher(PosePublisher),
    /// A wing.
    LiftDrag(LiftDrag),
    /// Wind that acts on links with `enable_wind`.
    WindEffects,
    /// A battery.
    LinearBattery(Battery),
    /// Two wheels.
    DiffDrive(DiffDrive),
    /// A label for segmentation and bounding boxes.
    Label(u32),
    /// What a world needs so that something happens: the simulator does it anyway.
    Always(Maker),
}

/// The plugins that only switch on what is always on here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Maker {
    Physics,
    Sensors,
    Imu,
    NavSat,
    AirPressure,
    Magnetometer,
    Altimeter,
    Contact,
    UserCommands,
    SceneBroadcaster,
}

/// `DiffDrive`.
#[derive(Debug, Clone, PartialEq)]
pub struct DiffDrive {
    /// `left_joint`, once or more often.
    pub left_joints: Vec<String>,
    /// `right_joint`, once or more often.
    pub right_joints: Vec<String>,
    /// Metres.
    pub wheel_separation: f64,
    /// Metres.
    pub wheel_radius: f64,
    /// Topic of commands; empty takes /model/MODEL/cmd_vel.
    pub topic: String,
    /// Topic of odometry; empty takes /model/MODEL/odometry.
    pub odom_topic: String,
    /// Odometry messages per second; 0 for every step.
    pub frequency: f64,
    /// Frame of the pose; empty takes MODEL/odom.
    pub frame: String,
    /// Frame of the twist; empty takes MODEL/ and the canonical link.
    pub child_frame: String,
    /// Least and largest speed, m/s.
    pub linear: [f64; 2],
    /// Least and largest rate, rad/s.
    pub angular: [f64; 2],
    /// Least and largest acceleration, m/s2.
    pub linear_acceleration: [f64; 2],
    /// Least and largest acceleration, rad/s2.
    pub angular_acceleration: [f64; 2],
}

impl Default for DiffDrive {
    fn default() -> Self {
        let free = [f64::NEG_INFINITY, f64::INFINITY];
        Self {
            left_joints: Vec::new(),
            right_joints: Vec::new(),
            wheel_separation: 1.0,
            wheel_radius: 0.2,
            topic: String::new(),
            odom_topic: String::new(),
            frequency: 50.0,
            frame: String::new(),
            child_frame: String::new(),
            linear: free,
            angular: free,
            linear_acceleration: free,
            angular_acceleration: free,
        }
    }
}

/// `MulticopterMotorModel`.
#[derive(Debug, Clone, PartialEq)]
pub struct MotorModel {
    /// `robotNamespace`.
    pub namespace: String,
    /// `jointName`.
    pub joint: String,
    /// `linkName`.
    pub link: String,
    /// `turningDirection`: true for counter-clockwise seen from above.
    pub counter_clockwise: bool,
    /// Seconds, when the rotor speeds up.
    pub time_constant_up: f64,
    /// Seconds, when it slows down.
    pub time_constant_down: f64,
    /// rad/s.
    pub max_rot_velocity: f64,
    /// Thrust per squared speed, N s2.
    pub motor_constant: f64,
    /// Torque per thrust, metres.
    pub moment_constant: f64,
    /// Topic of commands, below the namespace.
    pub command_topic: String,
    /// `motorNumber` or `actuator_number`: which number of a command is meant.
    pub number: u32,
    /// Drag of the rotor per speed and velocity, N s2/m.
    pub rotor_drag_coefficient: f64,
    /// Rolling moment per speed and velocity, N s2.
    pub rolling_moment_coefficient: f64,
    /// Turns of the drawn rotor are slower by this factor.
    pub slowdown: f64,
}

/// `MulticopterVelocityControl`.
#[derive(Debug, Clone, PartialEq)]
pub struct VelocityControl {
    /// `robotNamespace`.
    pub namespace: String,
    /// `commandSubTopic`.
    pub command_topic: String,
    /// `enableSubTopic`.
    pub enable_topic: String,
    /// `comLinkName`.
    pub link: String,
    /// Gains.
    pub velocity_gain: Vector3<f64>,
    /// Gains.
    pub attitude_gain: Vector3<f64>,
    /// Gains.
    pub angular_rate_gain: Vector3<f64>,
    /// m/s2; infinite where the file sets none.
    pub max_linear_acceleration: Vector3<f64>,
    /// m/s; infinite where the file sets none.
    pub max_linear_velocity: Vector3<f64>,
    /// rad/s; infinite where the file sets none.
    pub max_angular_velocity: Vector3<f64>,
    /// The rotors, in order.
    pub rotors: Vec<Rotor>,
}

/// One `<rotor>` of `rotorConfiguration`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotor {
    /// Its joint.
    pub joint: String,
    /// Thrust per squared speed, N s2.
    pub force_constant: f64,
    /// Torque per thrust, metres.
    pub moment_constant: f64,
    /// 1 or -1.
    pub direction: f64,
}

/// `OdometryPublisher`.
#[derive(Debug, Clone, PartialEq)]
pub struct OdometryPublisher {
    /// Frame of the pose; empty takes MODEL/odom.
    pub odom_frame: String,
    /// Frame of the twist; empty takes MODEL/base_footprint.
    pub robot_base_frame: String,
    /// Hertz.
    pub frequency: f64,
    /// Topic; empty takes /model/MODEL/odometry.
    pub odom_topic: String,
    /// Topic with covariance; empty takes /model/MODEL/odometry_with_covariance.
    pub odom_covariance_topic: String,
    /// Topic of the transform; empty takes /model/MODEL/pose.
    pub tf_topic: String,
    /// 2 or 3.
    pub dimensions: u32,
    /// Where the odometry's origin lies in the model, metres.
    pub xyz_offset: Vector3<f64>,
    /// And how it is turned, radians.
    pub rpy_offset: Vector3<f64>,
    /// Deviation of the noise of positions (m) and speeds (m/s, rad/s).
    pub gaussian_noise: f64,
}

/// `PosePublisher`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(clippy::struct_excessive_bools)]
pub struct PosePublisher {
    /// Poses of links.
    pub links: bool,
    /// Poses of nested models.
    pub nested_models: bool,
    /// Pose of the model itself.
    pub model: bool,
    /// Poses of sensors.
    pub sensors: bool,
    /// Poses of visuals.
    pub visuals: bool,
    /// Poses of collisions.
    pub collisions: bool,
    /// One Pose_V in place of many Poses.
    pub vector: bool,
    /// Hertz; negative for every step.
    pub frequency: f64,
    /// Static poses on a topic of their own.
    pub static_publisher: bool,
    /// Hertz of that topic.
    pub static_frequency: f64,
}

/// `LiftDrag`.
#[derive(Debug, Clone, PartialEq)]
pub struct LiftDrag {
    /// The link it acts on.
    pub link: String,
    /// Angle of attack without lift, radians.
    pub a0: f64,
    /// Lift per angle, 1/rad.
    pub cla: f64,
    /// Drag per angle, 1/rad.
    pub cda: f64,
    /// Moment per angle, 1/rad.
    pub cma: f64,
    /// Stall angle, radians.
    pub alpha_stall: f64,
    /// Lift per angle beyond the stall.
    pub cla_stall: f64,
    /// Drag per angle beyond the stall.
    pub cda_stall: f64,
    /// Moment per angle beyond the stall.
    pub cma_stall: f64,
    /// Density of the air, kg/m3.
    pub air_density: f64,
    /// Area, m2.
    pub area: f64,
    /// Centre of pressure in the link, metres.
    pub cp: Vector3<f64>,
    /// Unit vector of flight in the link.
    pub forward: Vector3<f64>,
    /// Unit vector of lift in the link.
    pub upward: Vector3<f64>,
    /// Whether the wing works both ways.
    pub radial_symmetry: bool,
    /// The joint of a control surface; empty for none.
    pub control_joint: String,
    /// Lift per angle of that joint, 1/rad.
    pub control_joint_rad_to_cl: f64,
}

/// `LinearBatteryPlugin`.
#[derive(Debug, Clone, PartialEq)]
pub struct Battery {
    /// `battery_name`.
    pub name: String,
    /// Voltage when full, V.
    pub voltage: f64,
    /// Constant part of the open circuit voltage, V.
    pub e0: f64,
    /// Part that falls with the charge, V.
    pub e1: f64,
    /// Charge at the start, Ah.
    pub initial_charge: f64,
    /// Charge when full, Ah.
    pub capacity: f64,
    /// Internal resistance, ohm.
    pub resistance: f64,
    /// Smoothing of the current, seconds.
    pub smooth_current_tau: f64,
    /// Steady load, W.
    pub power_load: f64,
    /// Whether it is drawn from before a joint of the model is driven.
    pub start_draining: bool,
}
