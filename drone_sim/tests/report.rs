//! Nothing of a file is ignored in silence: what is understood and yet not simulated is listed, and what is simulated is not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use peregrine_render::{Camera, Renderer, Targets};
use peregrine_sim::scenario::from_sdf;
use peregrine_sim::sdf::{Loaded, Loader};
use peregrine_sim::sensors::SensorKind;
use peregrine_sim::sensors::spec::OrientationReference;

/// A model with the rotors that make it the vehicle.
fn vehicle(inside: &str) -> String {
    craft(4, 0.3, inside)
}

/// A multicopter of that many rotors on a circle and a body of that mass, kg.
fn craft(rotors: u32, mass: f64, inside: &str) -> String {
    let rotor = |i: u32| {
        let at = std::f64::consts::TAU * f64::from(i) / f64::from(rotors) + 0.5;
        let turn = if i.is_multiple_of(2) { "ccw" } else { "cw" };
        format!(
            "<plugin filename='gz-sim-multicopter-motor-model-system' name='gz::sim::systems::MulticopterMotorModel'>
             <jointName>r{i}</jointName><linkName>l{i}</linkName><turningDirection>{turn}</turningDirection>
             <maxRotVelocity>2000</maxRotVelocity><motorNumber>{i}</motorNumber></plugin>
             <link name='l{i}'><pose>{} {} 0 0 0 0</pose><inertial><mass>0.01</mass></inertial></link>
             <joint name='r{i}' type='revolute'><parent>body</parent><child>l{i}</child><axis/></joint>",
            0.3 * at.cos(),
            0.3 * at.sin()
        )
    };
    let body = format!("<link name='body'><inertial><mass>{mass}</mass></inertial></link>");
    format!("<model name='quad'>{body}{}{inside}</model>", (0..rotors).map(rotor).collect::<String>())
}

fn load(inside: &str) -> Loaded {
    let text = format!("<sdf version='1.9'><world name='w'>{inside}</world></sdf>");
    Loader::without_files().load_str(&text, "t").unwrap()
}

/// What `sim check` lists.
fn listed(inside: &str) -> Vec<String> {
    let world = from_sdf(load(inside), "w", 60.0, 2.0).unwrap();
    world.report.unwrap().ignored.iter().map(|(name, n)| format!("{n} {name}")).collect()
}

fn plugin(name: &str, inside: &str) -> String {
    format!("<plugin filename='x' name='gz::sim::systems::{name}'>{inside}</plugin>")
}

#[test]
fn sensors_beside_the_vehicle_are_simulated_or_listed() {
    let sensors = "<link name='l'><sensor name='a' type='camera'/><sensor name='b' type='gpu_lidar'/>
        <sensor name='c' type='imu'/><sensor name='d' type='contact'/><sensor name='e' type='navsat'/></link>";
    let moving = listed(&format!("{}<model name='m'>{sensors}</model>", vehicle("")));
    assert_eq!(
        moving,
        [
            "1 sensor[contact] beside the vehicle",
            "1 sensor[imu] of a model that is not static",
            "1 sensor[navsat] of a model that is not static"
        ]
    );
    let still = listed(&format!("<model name='m'><static>1</static>{sensors}</model>"));
    assert_eq!(still, ["1 sensor[contact] beside the vehicle"]);
    // The vehicle's own are all simulated.
    assert_eq!(listed(&vehicle("<link name='s'><sensor name='d' type='contact'/></link>")), [""; 0]);
}

/// What would not fly as the file has it is listed before anybody flies it.
#[test]
fn a_vehicle_that_cannot_be_flown_is_listed_and_one_that_can_is_not() {
    for rotors in [4, 6, 8] {
        assert_eq!(listed(&craft(rotors, 0.3, "")), [""; 0], "{rotors} rotors");
    }
    let three = listed(&craft(3, 0.3, ""));
    assert!(three.len() == 1 && three[0].contains("MulticopterMotorModel]: it has 3 rotors"), "{three:?}");
    let heavy = listed(&craft(6, 30.0, ""));
    assert!(heavy.len() == 1 && heavy[0].contains("cannot carry"), "{heavy:?}");
    let one_way = listed(&craft(6, 0.3, "").replace("ccw", "cw"));
    assert!(one_way.len() == 1 && one_way[0].contains("cannot steer"), "{one_way:?}");
    let two = format!("{}{}", craft(4, 0.3, ""), craft(4, 0.3, "").replace("'quad'", "'other'"));
    assert_eq!(listed(&two), ["1 model of a multicopter beside the vehicle"]);
}

/// What touches in place of the vehicle's own shapes is told with their size.
#[test]
fn the_size_of_a_vehicles_collisions_is_told() {
    let arm = "<link name='arm'><inertial><mass>1e-6</mass></inertial><collision name='c'><pose>0.1 0 0 0 0 0</pose><geometry><box>
        <size>0.6 0.2 0.1</size></box></geometry></collision></link>";
    let said =
        |inside: &str| from_sdf(load(&vehicle(inside)), "w", 60.0, 2.0).unwrap().report.unwrap().warnings;
    assert_eq!(said(""), [""; 0]);
    let warnings = said(arm);
    // The far corner: 0.1 + 0.3, 0.1 and 0.05 m from the middle.
    assert!(
        warnings.len() == 1 && warnings[0].contains("1 collisions, whose boxes reach 0.42 m"),
        "{warnings:?}"
    );
}

/// Parameters of plugins that are known, but that nobody reads.
#[test]
fn parameters_of_plugins_that_change_nothing_here_are_listed() {
    let wind = plugin(
        "WindEffects",
        "<force_approximation_scaling_factor>1</force_approximation_scaling_factor><horizontal><magnitude>
         <time_for_rise>10</time_for_rise></magnitude></horizontal><vertical><noise/></vertical>",
    );
    assert_eq!(listed(&wind), ["1 plugin[WindEffects]/horizontal", "1 plugin[WindEffects]/vertical"]);
    let battery = |inside: &str| {
        let cells = format!(
            "<battery_name>c</battery_name><voltage>12</voltage><capacity>1</capacity><power_load>5</power_load>
             <fix_issue_225>true</fix_issue_225><smooth_current_tau>2</smooth_current_tau>{inside}"
        );
        listed(&vehicle(&plugin("LinearBatteryPlugin", &cells)))
    };
    assert_eq!(
        battery("<enable_recharge>false</enable_recharge><start_draining>true</start_draining>"),
        [""; 0]
    );
    assert_eq!(
        battery("<enable_recharge>true</enable_recharge><power_draining_topic>/d</power_draining_topic>"),
        [
            "1 plugin[LinearBatteryPlugin]/enable_recharge",
            "1 plugin[LinearBatteryPlugin]/power_draining_topic"
        ]
    );
    let control = "<robotNamespace>q</robotNamespace><comLinkName>body</comLinkName><velocityGain>1 1 1</velocityGain>
        <attitudeGain>1 1 1</attitudeGain><angularRateGain>1 1 1</angularRateGain>
        <maximumLinearAcceleration>1 1 2</maximumLinearAcceleration><maximumLinearVelocity>3 3 3</maximumLinearVelocity>
        <rotorConfiguration><rotor><jointName>r0</jointName><forceConstant>1e-6</forceConstant><momentConstant>0.01</momentConstant>
        <direction>1</direction></rotor></rotorConfiguration>";
    assert_eq!(listed(&vehicle(&plugin("MulticopterVelocityControl", control))), [""; 0]);
    let noisy = format!("{control}<linearVelocityNoiseStdDev>0.1 0.1 0.1</linearVelocityNoiseStdDev>");
    assert_eq!(
        listed(&vehicle(&plugin("MulticopterVelocityControl", &noisy))),
        ["1 plugin[MulticopterVelocityControl]/linearVelocityNoiseStdDev"]
    );
    let flap = plugin("LiftDrag", "<link_name>body</link_name><control_joint_name>flap</control_joint_name>");
    assert_eq!(listed(&vehicle(&flap)), ["1 plugin[LiftDrag]/control_joint_name"]);
}

#[test]
fn what_light_would_shine_through_is_listed() {
    let looks = |inside: &str| {
        listed(&format!(
            "<model name='m'><static>1</static><link name='l'><visual name='v'><geometry><box><size>1 1 1</size></box></geometry>
             {inside}</visual></link></model>"
        ))
    };
    assert_eq!(looks("<transparency>0.5</transparency>"), ["1 visual/transparency"]);
    assert_eq!(
        looks("<material><diffuse>1 0 0 0.3</diffuse></material>"),
        ["1 material/diffuse of less than full alpha"]
    );
    assert_eq!(looks("<transparency>1</transparency>"), [""; 0], "that is not drawn in Gazebo either");
    assert_eq!(
        looks("<transparency>0</transparency><material><diffuse>1 0 0 1</diffuse></material>"),
        [""; 0]
    );
}

#[test]
fn joints_that_stand_still_are_listed() {
    let joint = |name: &str, kind: &str| {
        format!(
            "<link name='{name}_a'/><link name='{name}_b'/><joint name='{name}' type='{kind}'><parent>{name}_a</parent>
             <child>{name}_b</child><axis/></joint>"
        )
    };
    // Moved: those of a model itself. Rotors are driven; a gimbal on the vehicle is not.
    assert_eq!(listed(&format!("<model name='m'>{}</model>", joint("j", "revolute"))), [""; 0]);
    assert_eq!(listed(&vehicle(&joint("gimbal", "continuous"))), ["1 model/joint[continuous]"]);
    let inner = format!(
        "<model name='m'><link name='l'/><model name='n'>{}</model></model>",
        joint("j", "prismatic")
    );
    assert_eq!(listed(&inner), ["1 model/joint[prismatic]"]);
    let fixed = inner.replacen("<model name='m'>", "<model name='m'><static>1</static>", 1);
    assert_eq!(listed(&fixed), [""; 0]);
    let world = "<model name='m'><link name='l'/></model><model name='n'><link name='l'/></model>
        <joint name='j' type='revolute'><parent>m</parent><child>n</child><axis/></joint>";
    assert_eq!(listed(world), ["1 world/joint[revolute]"]);
}

#[test]
fn plugins_that_have_no_effect_where_they_are_put_are_listed() {
    let wing = plugin("LiftDrag", "<link_name>l</link_name>");
    let cells = plugin("LinearBatteryPlugin", "<battery_name>c</battery_name>");
    let poses = plugin("PosePublisher", "");
    assert_eq!(listed(&vehicle(&format!("{wing}{cells}{poses}"))), [""; 0]);
    let beside = format!("{}<model name='m'><link name='l'/>{wing}{cells}{poses}</model>", vehicle(""));
    assert_eq!(
        listed(&beside),
        [
            "1 model/plugin[LiftDrag] beside the vehicle",
            "1 model/plugin[LinearBatteryPlugin] beside the vehicle"
        ]
    );
    let inner =
        format!("<model name='m'><link name='l'/><model name='n'><link name='l'/>{poses}</model></model>");
    assert_eq!(listed(&inner), ["1 model/plugin[PosePublisher] of a model inside a model"]);
    let wheels = plugin("DiffDrive", "<left_joint>a</left_joint><right_joint>b</right_joint>");
    let stuck = listed(&format!("<model name='m'><link name='l'/>{wheels}</model>"));
    assert_eq!(stuck, ["1 model/plugin[DiffDrive] without wheels that turn"]);
    assert_eq!(listed(&plugin("PosePublisher", "")), ["1 world/plugin[PosePublisher] outside of a model"]);
}

#[test]
fn lights_that_are_not_drawn_and_surroundings_without_effect_are_listed() {
    let light = |name: &str, kind: &str| format!("<light name='{name}' type='{kind}'/>");
    let lights = [light("a", "directional"), light("b", "point"), light("c", "directional")].concat();
    let on_link = format!("<model name='m'><link name='l'>{}</link></model>", light("d", "spot"));
    assert_eq!(
        listed(&(lights + &on_link)),
        ["1 light[directional] beside the sun", "1 light[point] beside the sun", "1 light[spot] on a link"]
    );
    let loaded = load(
        "<atmosphere type='adiabatic'><pressure>90000</pressure></atmosphere>
         <physics type='ode'><max_step_size>0.004</max_step_size><real_time_factor>2</real_time_factor></physics>",
    );
    let quiet: Vec<&String> = loaded.report.without_effect.keys().collect();
    assert_eq!(quiet, ["physics/real_time_factor", "world/atmosphere"]);
    assert!(loaded.report.ignored.is_empty(), "{}", loaded.report);
}

#[test]
fn fog_is_drawn_and_its_kind_told() {
    let wall = "<model name='m'><static>1</static><link name='l'><visual name='v'><pose>20 0 0 0 0 0</pose><geometry><box>
        <size>1 40 40</size></box></geometry></visual></link></model>";
    // The mean difference of red and blue in the middle of the picture: the fog is red, the wall is grey.
    let redness = |fog: &str| {
        let loaded = load(&format!("<scene>{fog}</scene>{wall}"));
        let warnings = loaded.report.warnings.clone();
        let world = from_sdf(loaded, "w", 60.0, 2.0).unwrap();
        let camera = Camera::from_hfov(32, 24, 1.0).unwrap();
        let pose =
            peregrine_sim::sensors::Mount::default().optical_in_world(&nalgebra::Isometry3::identity());
        let mut rgb = vec![0; 32 * 24 * 3];
        let targets = Targets { rgb: Some(&mut rgb), depth: None, object: None };
        Renderer::new(1).unwrap().render(&world.scene, &camera, &pose, targets).unwrap();
        let pixel = &rgb[3 * (12 * 32 + 16)..][..3];
        (i32::from(pixel[0]) - i32::from(pixel[2]), warnings)
    };
    let fog = |kind: &str, more: &str| format!("<fog><color>1 0 0 1</color><type>{kind}</type>{more}</fog>");
    let (clear, _) = redness("");
    let (thick, exact) = redness(&fog("exp", "<density>0.2</density>"));
    let (half, told) = redness(&fog("linear", "<start>0</start><end>40</end>"));
    let (none, _) = redness(&fog("none", "<density>0.2</density>"));
    assert!(clear.abs() < 60 && none == clear, "{clear} {none}");
    assert!(thick > half + 20 && half > clear + 40, "{thick} {half} {clear}");
    assert!(exact.is_empty() && told[0].contains("linear fog"), "{exact:?} {told:?}");
}

#[test]
fn a_lidar_that_none_can_be_is_repaired_and_said() {
    let lidar = |inside: &str| {
        let loaded = load(&format!(
            "<model name='m'><static>1</static><link name='l'><sensor name='s' type='gpu_lidar'><lidar>{inside}</lidar>
             </sensor></link></model>"
        ));
        let SensorKind::Lidar(spec) = loaded.world.unwrap().models[0].links[0].sensors[0].kind.clone() else {
            panic!()
        };
        (spec, loaded.report.warnings.join("; "))
    };
    let scan = |axis: &str| {
        format!("<scan><horizontal>{axis}</horizontal></scan><range><min>1</min><max>3</max></range>")
    };
    let (fine, said) = lidar(&scan("<samples>100</samples><resolution>2</resolution>"));
    assert!(fine.horizontal.count() == 200 && said.is_empty(), "{said}");
    let (endless, said) = lidar(&scan("<samples>10</samples><resolution>inf</resolution>"));
    assert!(endless.horizontal.count() == 10 && said.contains("resolution"), "{said}");
    let (many, said) = lidar(&scan("<samples>4000000000</samples>"));
    assert!(many.horizontal.count() == 1 && said.contains("fewer <samples>"), "{said}");
    let (blind, said) = lidar("<range><min>5</min><max>3</max></range>");
    assert!(blind.max_range == 5.0 && said.contains("sees nothing"), "{said}");
}

#[test]
fn an_imu_says_against_what_it_tells_its_attitude() {
    let imu = |inside: &str| {
        let loaded = load(&format!(
            "<model name='m'><static>1</static><link name='l'><sensor name='s' type='imu'><imu>{inside}</imu></sensor></link>
             </model>"
        ));
        let SensorKind::Imu(spec) = loaded.world.unwrap().models[0].links[0].sensors[0].kind.clone() else {
            panic!()
        };
        (spec.reference, loaded.report.warnings.len() + loaded.report.ignored.len())
    };
    let frame = |name: &str| {
        format!(
            "<orientation_reference_frame><localization>{name}</localization></orientation_reference_frame>"
        )
    };
    assert_eq!(imu(""), (OrientationReference::Start, 0));
    assert_eq!(imu(&frame("ENU")), (OrientationReference::Enu, 0));
    assert_eq!(imu(&frame("NED")), (OrientationReference::Ned, 0));
    assert_eq!(imu(&frame("GRAV_UP")), (OrientationReference::Start, 1));
    assert_eq!(imu("<enable_orientation>false</enable_orientation>"), (OrientationReference::Start, 1));
}

/// The library's name comes out of the mesh: a device that never ends is not read, and a lost one is no silence.
#[test]
fn the_materials_of_a_mesh_are_a_file_or_are_said_to_be_lost() {
    let folder = tempfile::tempdir().unwrap();
    for library in ["/dev/zero", "lost.mtl"] {
        let mesh = folder.path().join("a.obj");
        std::fs::write(&mesh, format!("mtllib {library}\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")).unwrap();
        let text = format!(
            "<sdf version='1.9'><model name='m'><link name='l'><visual name='v'><geometry><mesh><uri>file://{}</uri></mesh>
             </geometry></visual></link></model></sdf>",
            mesh.display()
        );
        let loaded = Loader::new().load_str(&text, "t").unwrap();
        let said = loaded.report.warnings.join("; ");
        assert!(said.contains(library) && said.contains("cannot be read"), "{said}");
    }
}
