//! `<plugin>`: kept as written; the ones we know are read.

use nalgebra::Vector3;

use super::parse::Parser;
use super::types::{
    Battery, DiffDrive, Known, LiftDrag, Maker, MotorModel, OdometryPublisher, Plugin, PluginNode,
    PosePublisher, Rotor, VelocityControl,
};
use super::value::Source;
use super::xml::Element;
use crate::error::Result;

/// Names of systems without what stands before the last `::`, and of the libraries that hold one system each.
const MAKERS: &[(&str, &str, Maker)] = &[
    ("Physics", "physics", Maker::Physics),
    ("Sensors", "sensors", Maker::Sensors),
    ("Imu", "imu", Maker::Imu),
    ("NavSat", "navsat", Maker::NavSat),
    ("AirPressure", "air-pressure", Maker::AirPressure),
    ("Magnetometer", "magnetometer", Maker::Magnetometer),
    ("Altimeter", "altimeter", Maker::Altimeter),
    ("Contact", "contact", Maker::Contact),
    ("UserCommands", "user-commands", Maker::UserCommands),
    ("SceneBroadcaster", "scene-broadcaster", Maker::SceneBroadcaster),
];

impl Parser<'_> {
    /// Every plugin of `owner`. Unknown ones stay unmarked, so that the report names them; of those that are known it names the
    /// parameters that nobody reads.
    pub(super) fn plugins(&mut self, src: &Source, owner: &Element) -> Result<Vec<Plugin>> {
        let mut out = Vec::new();
        for e in owner.all().iter().filter(|c| c.name() == "plugin") {
            let name = e.attr("name").unwrap_or_default().trim().to_string();
            let filename = e.attr("filename").unwrap_or_default().trim().to_string();
            let known = known(src, e, &name, &filename)?;
            match known {
                // What these are told is how they shall draw or step, which is ours to know.
                Some(Known::Always(_)) => e.mark_all(),
                Some(_) => e.mark(),
                None => {}
            }
            let params = e.all().iter().map(node).collect();
            out.push(Plugin { name, filename, params, known });
        }
        Ok(out)
    }
}

fn node(e: &Element) -> PluginNode {
    PluginNode {
        name: e.name().to_string(),
        attributes: e.attrs().to_vec(),
        text: e.text().to_string(),
        children: e.all().iter().map(node).collect(),
    }
}

/// The system's short name: of `gz::sim::systems::Imu`, or of a file `libignition-gazebo-imu-system.so`.
fn system<'a>(name: &'a str, filename: &'a str) -> (&'a str, &'a str) {
    let is_system = name.contains("gazebo::systems::") || name.contains("sim::systems::");
    let short = if is_system { name.rsplit("::").next().unwrap_or_default() } else { "" };
    let file = filename.rsplit('/').next().unwrap_or_default();
    let file = file.strip_prefix("lib").unwrap_or(file);
    let file = file.strip_suffix(".so").unwrap_or(file);
    let file = file
        .strip_prefix("gz-sim")
        .or_else(|| file.strip_prefix("ignition-gazebo"))
        .map(|f| f.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('-'))
        .unwrap_or_default();
    (short, file.strip_suffix("-system").unwrap_or_default())
}

fn known(src: &Source, e: &Element, name: &str, filename: &str) -> Result<Option<Known>> {
    let (short, file) = system(name, filename);
    let is = |system: &str, library: &str| short == system || (short.is_empty() && file == library);
    if let Some((.., maker)) = MAKERS.iter().find(|(system, library, _)| is(system, library)) {
        return Ok(Some(Known::Always(*maker)));
    }
    let p = Reader { src, e };
    Ok(Some(if is("MulticopterMotorModel", "multicopter-motor-model") {
        Known::MulticopterMotorModel(p.motor()?)
    } else if is("MulticopterVelocityControl", "multicopter-control") {
        Known::MulticopterVelocityControl(p.control()?)
    } else if is("OdometryPublisher", "odometry-publisher") {
        Known::OdometryPublisher(p.odometry()?)
    } else if is("PosePublisher", "pose-publisher") {
        Known::PosePublisher(p.poses()?)
    } else if is("LiftDrag", "lift-drag") {
        Known::LiftDrag(p.lift_drag()?)
    } else if is("WindEffects", "wind-effects") {
        // Read where the vehicle is put together.
        e.child("force_approximation_scaling_factor");
        Known::WindEffects
    } else if is("LinearBatteryPlugin", "linearbatteryplugin") {
        Known::LinearBattery(p.battery()?)
    } else if is("DiffDrive", "diff-drive") {
        Known::DiffDrive(p.diff_drive()?)
    } else if is("Label", "label") {
        Known::Label(p.number("label", 0.0)?.clamp(0.0, 65_535.0) as u32)
    } else {
        return Ok(None);
    }))
}

struct Reader<'a> {
    src: &'a Source,
    e: &'a Element,
}

impl Reader<'_> {
    fn diff_drive(&self) -> Result<DiffDrive> {
        let all = |name: &str| self.e.children(name).map(|c| c.text().to_string()).collect::<Vec<_>>();
        let (free, radius) = (DiffDrive::default(), self.number("wheel_radius", 0.2)?);
        // The general names hold for both kinds of speed, the particular ones for their own.
        let range = |kind: &str, what: &str| -> Result<[f64; 2]> {
            let [least, most] = ["min", "max"].map(|end| {
                let general = self.number(&format!("{end}_{what}"), f64::NAN)?;
                self.number(&format!("{end}_{kind}_{what}"), general)
            });
            let (least, most) = (least?, most?);
            let least = if least.is_nan() { f64::NEG_INFINITY } else { least.min(0.0) };
            Ok([least, if most.is_nan() { f64::INFINITY } else { most.max(0.0) }])
        };
        Ok(DiffDrive {
            left_joints: all("left_joint"),
            right_joints: all("right_joint"),
            wheel_separation: self.number("wheel_separation", free.wheel_separation)?,
            wheel_radius: if radius > 0.0 { radius } else { free.wheel_radius },
            topic: self.text("topic", ""),
            odom_topic: self.text("odom_topic", ""),
            frequency: self.number("odom_publish_frequency", free.frequency)?.max(0.0),
            frame: self.text("frame_id", ""),
            child_frame: self.text("child_frame_id", ""),
            linear: range("linear", "velocity")?,
            angular: range("angular", "velocity")?,
            linear_acceleration: range("linear", "acceleration")?,
            angular_acceleration: range("angular", "acceleration")?,
        })
    }

    fn text(&self, name: &str, default: &str) -> String {
        self.e.child(name).map_or(default, Element::text).to_string()
    }

    fn number(&self, name: &str, default: f64) -> Result<f64> {
        match self.e.child(name) {
            Some(c) if !c.text().is_empty() => self.src.number(c),
            _ => Ok(default),
        }
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool> {
        self.src.flag(self.e, name, default)
    }

    fn vector(&self, name: &str, default: Vector3<f64>) -> Result<Vector3<f64>> {
        self.e.child(name).map_or(Ok(default), |c| self.src.vector(c))
    }

    fn motor(&self) -> Result<MotorModel> {
        if let Some(kind) = self.e.child("motorType").filter(|m| !matches!(m.text(), "velocity" | "")) {
            self.src.note(kind, &format!("asks for \"{}\", rotors are turned by their speed", kind.text()));
        }
        let number = if self.e.child("motorNumber").is_some() { "motorNumber" } else { "actuator_number" };
        Ok(MotorModel {
            namespace: self.text("robotNamespace", ""),
            joint: self.text("jointName", ""),
            link: self.text("linkName", ""),
            counter_clockwise: self.text("turningDirection", "ccw") != "cw",
            time_constant_up: self.number("timeConstantUp", 1.0 / 80.0)?,
            time_constant_down: self.number("timeConstantDown", 1.0 / 40.0)?,
            max_rot_velocity: self.number("maxRotVelocity", 838.0)?,
            motor_constant: self.number("motorConstant", 8.548_58e-6)?,
            moment_constant: self.number("momentConstant", 0.016)?,
            command_topic: self.text("commandSubTopic", "command/motor_speed"),
            number: self.number(number, 0.0)?.clamp(0.0, 255.0) as u32,
            rotor_drag_coefficient: self.number("rotorDragCoefficient", 1e-4)?,
            rolling_moment_coefficient: self.number("rollingMomentCoefficient", 1e-6)?,
            slowdown: self.number("rotorVelocitySlowdownSim", 10.0)?,
        })
    }

    fn control(&self) -> Result<VelocityControl> {
        let (none, endless) = (Vector3::zeros(), Vector3::repeat(f64::INFINITY));
        let mut rotors = Vec::new();
        for rotor in self.e.child("rotorConfiguration").into_iter().flat_map(|c| c.children("rotor")) {
            let r = Reader { src: self.src, e: rotor };
            rotors.push(Rotor {
                joint: r.text("jointName", ""),
                force_constant: r.number("forceConstant", 0.0)?,
                moment_constant: r.number("momentConstant", 0.0)?,
                direction: r.number("direction", 1.0)?.signum(),
            });
        }
        Ok(VelocityControl {
            namespace: self.text("robotNamespace", ""),
            command_topic: self.text("commandSubTopic", "cmd_vel"),
            enable_topic: self.text("enableSubTopic", "enable"),
            link: self.text("comLinkName", ""),
            velocity_gain: self.vector("velocityGain", none)?,
            attitude_gain: self.vector("attitudeGain", none)?,
            angular_rate_gain: self.vector("angularRateGain", none)?,
            max_linear_acceleration: self.vector("maximumLinearAcceleration", endless)?,
            max_linear_velocity: self.vector("maximumLinearVelocity", endless)?,
            max_angular_velocity: self.vector("maximumAngularVelocity", endless)?,
            rotors,
        })
    }

    fn odometry(&self) -> Result<OdometryPublisher> {
        Ok(OdometryPublisher {
            odom_frame: self.text("odom_frame", ""),
            robot_base_frame: self.text("robot_base_frame", ""),
            frequency: self.number("odom_publish_frequency", 50.0)?,
            odom_topic: self.text("odom_topic", ""),
            odom_covariance_topic: self.text("odom_covariance_topic", ""),
            tf_topic: self.text("tf_topic", ""),
            dimensions: if self.number("dimensions", 2.0)? == 3.0 { 3 } else { 2 },
            xyz_offset: self.vector("xyz_offset", Vector3::zeros())?,
            rpy_offset: self.vector("rpy_offset", Vector3::zeros())?,
            gaussian_noise: self.number("gaussian_noise", 0.0)?,
        })
    }

    fn poses(&self) -> Result<PosePublisher> {
        Ok(PosePublisher {
            links: self.flag("publish_link_pose", true)?,
            nested_models: self.flag("publish_nested_model_pose", false)?,
            model: self.flag("publish_model_pose", self.flag("publish_nested_model_pose", false)?)?,
            sensors: self.flag("publish_sensor_pose", false)?,
            visuals: self.flag("publish_visual_pose", false)?,
            collisions: self.flag("publish_collision_pose", false)?,
            vector: self.flag("use_pose_vector_msg", false)?,
            frequency: self.number("update_frequency", -1.0)?,
            static_publisher: self.flag("static_publisher", false)?,
            static_frequency: self.number("static_update_frequency", -1.0)?,
        })
    }

    fn lift_drag(&self) -> Result<LiftDrag> {
        let unit = |v: Vector3<f64>, or| v.try_normalize(1e-12).unwrap_or(or);
        Ok(LiftDrag {
            link: self.text("link_name", ""),
            a0: self.number("a0", 0.0)?,
            cla: self.number("cla", 1.0)?,
            cda: self.number("cda", 0.01)?,
            cma: self.number("cma", 0.0)?,
            alpha_stall: self.number("alpha_stall", std::f64::consts::FRAC_PI_2)?,
            cla_stall: self.number("cla_stall", 0.0)?,
            cda_stall: self.number("cda_stall", 1.0)?,
            cma_stall: self.number("cma_stall", 0.0)?,
            air_density: self.number("air_density", 1.2041)?,
            area: self.number("area", 1.0)?,
            cp: self.vector("cp", Vector3::zeros())?,
            forward: unit(self.vector("forward", Vector3::x())?, Vector3::x()),
            upward: unit(self.vector("upward", Vector3::z())?, Vector3::z()),
            radial_symmetry: self.flag("radial_symmetry", false)?,
            control_joint: self.text("control_joint_name", ""),
            control_joint_rad_to_cl: self.number("control_joint_rad_to_cl", 4.0)?,
        })
    }

    fn battery(&self) -> Result<Battery> {
        let capacity = self.number("capacity", 0.0)?;
        // Whoever does not ask for it misses nothing; whoever does finds it in the report.
        for wish in ["enable_recharge", "recharge_by_topic"] {
            let asked = |c: &&Element| c.name() == wish && matches!(c.text(), "0" | "false" | "False" | "");
            self.e.all().iter().filter(asked).for_each(Element::mark);
        }
        // It chooses between two ways in which Gazebo counts hours; ours is the one that is right.
        self.e.child("fix_issue_225");
        Ok(Battery {
            name: self.text("battery_name", ""),
            voltage: self.number("voltage", 0.0)?,
            e0: self.number("open_circuit_voltage_constant_coef", 0.0)?,
            e1: self.number("open_circuit_voltage_linear_coef", 0.0)?,
            initial_charge: self.number("initial_charge", capacity)?,
            capacity,
            resistance: self.number("resistance", 0.0)?,
            smooth_current_tau: self.number("smooth_current_tau", 1.0)?,
            power_load: self.number("power_load", 0.0)?,
            start_draining: self.flag("start_draining", false)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::system;

    #[test]
    fn systems_go_by_many_names() {
        for (name, file) in [
            ("gz::sim::systems::Imu", "gz-sim-imu-system"),
            ("ignition::gazebo::systems::Imu", "libignition-gazebo-imu-system.so"),
            ("ignition::gazebo::systems::v6::Imu", "ignition-gazebo6-imu-system"),
        ] {
            assert_eq!(system(name, file), ("Imu", "imu"), "{name} {file}");
        }
        assert_eq!(system("imu_plugin", "libgazebo_ros_imu.so"), ("", ""));
    }
}
