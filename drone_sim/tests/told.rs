//! Who tells where models are: OdometryPublisher, PosePublisher, sensors of models beside the vehicle; and the vehicle's own frame,
//! which need not be its centre of mass.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::geometry_msgs::{TransformStamped, Twist};
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_msgs::sensor_msgs::{LaserScan, MagneticField};
use peregrine_msgs::tf2_msgs::TFMessage;
use peregrine_sim::node::DroneSim;

/// A quadrotor whose mass lies half a metre above its frame, and a tower with a camera and a lidar that look at a ball.
fn world(mass: &str) -> String {
    let mut parts = String::new();
    for (i, (x, y, turn)) in
        [(0.2, -0.2, "ccw"), (-0.2, 0.2, "ccw"), (0.2, 0.2, "cw"), (-0.2, -0.2, "cw")].iter().enumerate()
    {
        parts += &format!(
            "<link name='r{i}'><pose>{x} {y} 0.5 0 0 0</pose><inertial><mass>0.01</mass><inertia><ixx>1e-6</ixx>
             <iyy>1e-6</iyy><izz>1e-6</izz></inertia></inertial></link>
             <plugin filename='gz-sim-multicopter-motor-model-system' name='gz::sim::systems::MulticopterMotorModel'>
             <jointName>j{i}</jointName><linkName>r{i}</linkName><turningDirection>{turn}</turningDirection>
             <maxRotVelocity>900</maxRotVelocity><motorConstant>7e-06</motorConstant><momentConstant>0.018</momentConstant>
             <motorNumber>{i}</motorNumber></plugin>"
        );
    }
    let odometry = "<plugin filename='gz-sim-odometry-publisher-system' name='gz::sim::systems::OdometryPublisher'>
        <odom_frame>map</odom_frame><robot_base_frame>quad/base</robot_base_frame><odom_publish_frequency>20</odom_publish_frequency>
        <odom_topic>told/odom</odom_topic><tf_topic>/told/tf</tf_topic><dimensions>3</dimensions></plugin>";
    let poses = |inside: &str| {
        format!(
            "<plugin filename='gz-sim-pose-publisher-system' name='gz::sim::systems::PosePublisher'>
             <update_frequency>10</update_frequency>{inside}</plugin>"
        )
    };
    format!(
        "<sdf version='1.9'><world name='yard'><include><uri>model://ground_plane</uri></include>
         <model name='quad'><pose>0 0 2 0 0 1.5707963267948966</pose><link name='body'><pose>0 0 0.5 0 0 0</pose><inertial>
         <mass>{mass}</mass><inertia><ixx>0.01</ixx><iyy>0.01</iyy><izz>0.02</izz></inertia></inertial></link>{parts}{odometry}{}</model>
         <model name='ball'><static>1</static><pose>8 0 4 0 0 0</pose><link name='l'><collision name='c'><geometry><sphere>
         <radius>0.5</radius></sphere></geometry></collision><visual name='v'><geometry><sphere><radius>0.5</radius></sphere>
         </geometry></visual></link></model>
         <model name='tower'><static>1</static><pose>5 0 0 0 0 0</pose><link name='top'><pose>0 0 4 0 0 0</pose>
         <sensor name='eye' type='camera'><update_rate>10</update_rate><camera><image><width>64</width><height>48</height></image>
         </camera></sensor><sensor name='beam' type='gpu_lidar'><update_rate>5</update_rate><lidar><scan><horizontal><samples>3</samples>
         <min_angle>-0.5</min_angle><max_angle>0.5</max_angle></horizontal></scan><range><min>0.1</min><max>20</max></range></lidar>
         </sensor><sensor name='field' type='magnetometer'><update_rate>1e300</update_rate></sensor></link>{}</model></world></sdf>",
        poses("<use_pose_vector_msg>true</use_pose_vector_msg><publish_model_pose>true</publish_model_pose>"),
        poses("<publish_sensor_pose>true</publish_sensor_pose>")
    )
}

#[derive(Default)]
struct Log {
    own: Vec<Odometry>,
    told: Vec<Odometry>,
    covariant: usize,
    transforms: Vec<TransformStamped>,
    poses: Vec<TFMessage>,
    tower: Vec<TransformStamped>,
    pictures: usize,
    scans: Vec<LaserScan>,
    fields: usize,
}

struct Client {
    log: Arc<Mutex<Log>>,
    velocity: Publisher<Twist>,
}

#[derive(Params)]
struct NoParams {}

impl Node for Client {
    const NAME: &'static str = "client";
    type Params = NoParams;

    fn configure(setup: &mut Setup<Self>, _: NoParams) -> Result<Self> {
        setup.subscribe("odom", Qos::Sensor, |n: &mut Self, ctx, m: &Odometry| {
            n.log.lock().unwrap().own.push(m.clone());
            let mut twist = Twist::default();
            (twist.linear.x, twist.linear.z) = (1.0, 0.5);
            if ctx.now().0 == 0 { n.velocity.send(ctx, twist) } else { Ok(()) }
        })?;
        setup.subscribe("/told/odom", Qos::Sensor, |n: &mut Self, _, m: &Odometry| {
            n.log.lock().unwrap().told.push(m.clone());
            Ok(())
        })?;
        setup.subscribe(
            "/model/quad/odometry_with_covariance",
            Qos::Sensor,
            |n: &mut Self, _, _: &Odometry| {
                n.log.lock().unwrap().covariant += 1;
                Ok(())
            },
        )?;
        setup.subscribe("/told/tf", Qos::Sensor, |n: &mut Self, _, m: &TFMessage| {
            n.log.lock().unwrap().transforms.extend(m.transforms.iter().cloned());
            Ok(())
        })?;
        setup.subscribe("/model/quad/pose", Qos::Sensor, |n: &mut Self, _, m: &TFMessage| {
            n.log.lock().unwrap().poses.push(m.clone());
            Ok(())
        })?;
        setup.subscribe("/model/tower/pose", Qos::Sensor, |n: &mut Self, _, m: &TransformStamped| {
            n.log.lock().unwrap().tower.push(m.clone());
            Ok(())
        })?;
        let tower = "/world/yard/model/tower/link/top/sensor";
        setup.subscribe(&format!("{tower}/beam/scan"), Qos::Sensor, |n: &mut Self, _, m: &LaserScan| {
            n.log.lock().unwrap().scans.push(m.clone());
            Ok(())
        })?;
        setup.subscribe(
            &format!("{tower}/field/magnetometer"),
            Qos::Sensor,
            |n: &mut Self, _, _: &MagneticField| {
                n.log.lock().unwrap().fields += 1;
                Ok(())
            },
        )?;
        setup.subscribe_frames(
            &format!("{tower}/eye/image"),
            FramePolicy::KeepLast(2),
            |n: &mut Self, _, f| {
                assert_eq!(f.frame_id(), "tower/top/eye");
                // The ball is in the middle, and is not what is around it.
                let pixel = |row: usize, column: usize| f.bytes()[3 * (row * 64 + column)..][..3].to_vec();
                assert_ne!(pixel(24, 32), pixel(2, 2));
                n.log.lock().unwrap().pictures += 1;
                Ok(())
            },
        )?;
        let velocity = setup.publish("/model/quad/cmd_vel", Qos::Reliable)?;
        Ok(Self { log: setup.extension::<Mutex<Log>>().unwrap_or_default(), velocity })
    }
}

fn file(mass: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("yard.sdf");
    std::fs::write(&path, world(mass)).unwrap();
    (folder, path)
}

fn app(file: &Path, more: &[(&str, &str)]) -> Result<App, peregrine::Error> {
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    let mut spec =
        NodeSpec::new("drone_sim").with_param("world", ParamValue::String(file.display().to_string()));
    let quiet = [("camera.rate", "0"), ("depth.rate", "0"), ("goal_distance", "900")];
    for (key, value) in quiet.iter().chain(more) {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    app.add(NodeFactory::of::<DroneSim>(), spec)?;
    Ok(app)
}

#[test]
fn models_tell_where_they_are_and_what_they_see_as_in_gazebo() {
    let (_folder, path) = file("0.96");
    let log = Arc::new(Mutex::new(Log::default()));
    let mut app = app(&path, &[("time_limit", "1.0")]).unwrap();
    app.extend(Arc::clone(&log));
    app.add(NodeFactory::of::<Client>(), NodeSpec::new("client")).unwrap();
    let report = app.run().unwrap();
    assert_eq!(report.nodes.iter().map(|n| n.errors).sum::<u64>(), 0, "{:?}", report.nodes);
    let log = std::mem::take(&mut *log.lock().unwrap());

    // The frame begins where the file says; the mass is half a metre above it.
    let begin = &log.own[0].pose.pose.position;
    assert!(begin.x.abs().max(begin.y.abs()).max((begin.z - 2.0).abs()) < 1e-9, "{begin:?}");
    assert_eq!((log.own.len(), log.told.len(), log.covariant, log.transforms.len()), (101, 21, 21, 21));
    for (k, told) in log.told.iter().enumerate() {
        assert_eq!(
            (told.header.frame_id.as_str(), told.child_frame_id.as_str()),
            ("map", "quad/base"),
            "as the plugin says"
        );
        let own = &log.own[5 * k];
        assert_eq!((&told.pose.pose, told.header.stamp.clone()), (&own.pose.pose, own.header.stamp.clone()));
        let (a, b) = (&told.twist.twist, &own.twist.twist);
        assert!((a.linear.x - b.linear.x).abs() < 1e-9 && (a.angular.y - b.angular.y).abs() < 1e-9);
        let moved = &log.transforms[k].transform.translation;
        assert_eq!((moved.x, moved.z), (told.pose.pose.position.x, told.pose.pose.position.z));
    }
    // Velocity is that of the frame: it is the change of its place, though it swings below the mass.
    for pair in log.own.windows(3) {
        let [a, b, c] = pair else { panic!() };
        let way = (c.pose.pose.position.y - a.pose.pose.position.y) / 0.02;
        let q = &b.pose.pose.orientation;
        let turn = nalgebra::UnitQuaternion::new_normalize(nalgebra::Quaternion::new(q.w, q.x, q.y, q.z));
        let v = &b.twist.twist.linear;
        let world = turn * nalgebra::Vector3::new(v.x, v.y, v.z);
        assert!((world.y - way).abs() < 0.05, "{} {way}", world.y);
    }
    let swung = log.own.iter().map(|o| o.twist.twist.angular.y.abs()).fold(0.0, f64::max);
    assert!(swung > 0.3, "it pitched: {swung}");

    let last = log.poses.last().unwrap();
    assert_eq!((log.poses.len(), last.transforms.len()), (11, 6));
    let named = |child: &str| last.transforms.iter().find(|t| t.child_frame_id == child).unwrap();
    let (model, body) = (named("quad"), named("quad::body"));
    assert_eq!((model.header.frame_id.as_str(), body.header.frame_id.as_str()), ("yard", "quad"));
    let at = &log.own.last().unwrap().pose.pose.position;
    assert_eq!((model.transform.translation.y, model.transform.translation.z), (at.y, at.z));
    assert!(
        (body.transform.translation.z - 0.5).abs() < 1e-9 && body.transform.rotation.w.abs() > 1.0 - 1e-9
    );
    // Of the tower each by itself: its link, and three sensors in the link's frame.
    assert_eq!(log.tower.len(), 44);
    let names: Vec<(&str, &str)> =
        log.tower[..3].iter().map(|t| (t.header.frame_id.as_str(), t.child_frame_id.as_str())).collect();
    assert_eq!(
        names,
        [("tower", "tower::top"), ("tower::top", "tower::top::eye"), ("tower::top", "tower::top::beam")]
    );
    assert_eq!(log.tower[0].transform.translation.z, 4.0);

    // A rate that nothing has is once a step, as in Gazebo.
    assert_eq!((log.pictures, log.scans.len(), log.fields), (11, 6, 1001));
    let scan = &log.scans[0];
    assert_eq!(scan.header.frame_id, "tower/top/beam");
    assert!((scan.ranges[1] - 2.5).abs() < 1e-4 && scan.ranges[0].is_infinite(), "{:?}", scan.ranges);
}

/// A checkpoint is of the world that it was made in: a heavier vehicle of the same name is another.
#[test]
fn a_checkpoint_notices_another_mass() {
    let (folder, path) = file("0.96");
    let kept = folder.path().join("a.ckpt").display().to_string();
    let set_down = [("checkpoint.file", kept.as_str()), ("checkpoint.at", "0.01"), ("time_limit", "0.1")];
    app(&path, &set_down).unwrap().run().unwrap();
    let restore = [("restore", kept.as_str())];
    app(&path, &restore).unwrap();
    std::fs::write(&path, world("1.06")).unwrap();
    let refused = app(&path, &restore).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("PG-1042"), "{refused}");
}
