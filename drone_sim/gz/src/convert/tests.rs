use peregrine_msgs::geometry_msgs::{
    Point, Pose, PoseWithCovariance, Quaternion, Twist, TwistStamped, Vector3,
};
use peregrine_msgs::gps_msgs::GPSFix;
use peregrine_msgs::rcl_interfaces::{Parameter, ParameterValue};
use peregrine_msgs::registry;
use peregrine_msgs::ros_gz_interfaces::ParamVec;
use peregrine_msgs::sensor_msgs::{Image, JointState, LaserScan};
use peregrine_msgs::std_msgs::Header;
use peregrine_msgs::vision_msgs::{Detection3D, ObjectHypothesis, ObjectHypothesisWithPose};

use super::*;

/// The table of ros_gz_bridge's README (branch ros2), all 65 rows of it in its order: transcribed, not made from the code.
const GOLDEN: &str = "\
actuator_msgs/msg/Actuators gz.msgs.Actuators
builtin_interfaces/msg/Time gz.msgs.Time
geometry_msgs/msg/Point gz.msgs.Vector3d
geometry_msgs/msg/Pose gz.msgs.Pose
geometry_msgs/msg/PoseArray gz.msgs.Pose_V
geometry_msgs/msg/PoseStamped gz.msgs.Pose
geometry_msgs/msg/PoseWithCovariance gz.msgs.PoseWithCovariance
geometry_msgs/msg/PoseWithCovarianceStamped gz.msgs.PoseWithCovariance
geometry_msgs/msg/Quaternion gz.msgs.Quaternion
geometry_msgs/msg/Transform gz.msgs.Pose
geometry_msgs/msg/TransformStamped gz.msgs.Pose
geometry_msgs/msg/Twist gz.msgs.Twist
geometry_msgs/msg/TwistStamped gz.msgs.Twist
geometry_msgs/msg/TwistWithCovariance gz.msgs.TwistWithCovariance
geometry_msgs/msg/TwistWithCovarianceStamped gz.msgs.TwistWithCovariance
geometry_msgs/msg/Vector3 gz.msgs.Vector3d
geometry_msgs/msg/Wrench gz.msgs.Wrench
geometry_msgs/msg/WrenchStamped gz.msgs.Wrench
gps_msgs/msg/GPSFix gz.msgs.NavSat
nav_msgs/msg/Odometry gz.msgs.Odometry
nav_msgs/msg/Odometry gz.msgs.OdometryWithCovariance
rcl_interfaces/msg/ParameterValue gz.msgs.Any
ros_gz_interfaces/msg/Altimeter gz.msgs.Altimeter
ros_gz_interfaces/msg/Contact gz.msgs.Contact
ros_gz_interfaces/msg/Contacts gz.msgs.Contacts
ros_gz_interfaces/msg/Dataframe gz.msgs.Dataframe
ros_gz_interfaces/msg/Entity gz.msgs.Entity
ros_gz_interfaces/msg/EntityWrench gz.msgs.EntityWrench
ros_gz_interfaces/msg/Float32Array gz.msgs.Float_V
ros_gz_interfaces/msg/GuiCamera gz.msgs.GUICamera
ros_gz_interfaces/msg/JointWrench gz.msgs.JointWrench
ros_gz_interfaces/msg/Light gz.msgs.Light
ros_gz_interfaces/msg/ParamVec gz.msgs.Param
ros_gz_interfaces/msg/ParamVec gz.msgs.Param_V
ros_gz_interfaces/msg/SensorNoise gz.msgs.SensorNoise
ros_gz_interfaces/msg/StringVec gz.msgs.StringMsg_V
ros_gz_interfaces/msg/TrackVisual gz.msgs.TrackVisual
ros_gz_interfaces/msg/VideoRecord gz.msgs.VideoRecord
rosgraph_msgs/msg/Clock gz.msgs.Clock
sensor_msgs/msg/BatteryState gz.msgs.BatteryState
sensor_msgs/msg/CameraInfo gz.msgs.CameraInfo
sensor_msgs/msg/FluidPressure gz.msgs.FluidPressure
sensor_msgs/msg/Image gz.msgs.Image
sensor_msgs/msg/Imu gz.msgs.IMU
sensor_msgs/msg/JointState gz.msgs.Model
sensor_msgs/msg/Joy gz.msgs.Joy
sensor_msgs/msg/LaserScan gz.msgs.LaserScan
sensor_msgs/msg/MagneticField gz.msgs.Magnetometer
sensor_msgs/msg/NavSatFix gz.msgs.NavSat
sensor_msgs/msg/PointCloud2 gz.msgs.PointCloudPacked
std_msgs/msg/Bool gz.msgs.Boolean
std_msgs/msg/ColorRGBA gz.msgs.Color
std_msgs/msg/Empty gz.msgs.Empty
std_msgs/msg/Float32 gz.msgs.Float
std_msgs/msg/Float64 gz.msgs.Double
std_msgs/msg/Header gz.msgs.Header
std_msgs/msg/Int32 gz.msgs.Int32
std_msgs/msg/String gz.msgs.StringMsg
std_msgs/msg/UInt32 gz.msgs.UInt32
tf2_msgs/msg/TFMessage gz.msgs.Pose_V
trajectory_msgs/msg/JointTrajectory gz.msgs.JointTrajectory
vision_msgs/msg/Detection2D gz.msgs.AnnotatedAxisAligned2DBox
vision_msgs/msg/Detection2DArray gz.msgs.AnnotatedAxisAligned2DBox_V
vision_msgs/msg/Detection3D gz.msgs.AnnotatedOriented3DBox
vision_msgs/msg/Detection3DArray gz.msgs.AnnotatedOriented3DBox_V
";

#[test]
fn the_table_is_that_of_ros_gz_bridge() {
    let ours: String = TABLE.iter().map(|p| format!("{} gz.msgs.{}\n", p.ros, p.gz)).collect();
    assert_eq!(ours, GOLDEN);
}

/// Whatever a ROS message's default is, it survives the way there and back in every row.
#[test]
fn every_row_goes_both_ways() {
    for pair in TABLE {
        let empty = pair.from_gz(&[]).unwrap();
        let support = registry::find(pair.ros).unwrap();
        let first = (support.to_json)(&empty).unwrap();
        let back = pair.from_gz(&pair.to_gz(&empty).unwrap()).unwrap();
        assert_eq!((support.to_json)(&back).unwrap(), first, "{pair:?}");
        assert!(pair.to_gz(&[1, 2, 3]).is_err(), "{pair:?}");
    }
}

#[test]
fn an_image_keeps_its_pixels_stamp_and_frame() {
    let mut image = Image { width: 2, height: 1, step: 6, encoding: "rgb8".into(), ..Default::default() };
    image.header.frame_id = "camera".into();
    image.header.stamp.nanosec = 7;
    image.data = vec![1, 2, 3, 4, 5, 6];
    let gz: crate::msgs::sensing::Image = image.to_gz();
    assert_eq!(gz.pixel_format_type, crate::msgs::sensing::PixelFormatType::RgbInt8 as i32);
    assert_eq!(Image::from_gz(&gz), image);
}

#[test]
fn frames_of_gazebo_become_frames_of_ros() {
    let header = Header { frame_id: "x3::base_link::eye".into(), ..Default::default() };
    let twist = Twist { linear: Vector3 { x: 1.0, y: 2.0, z: 3.0 }, ..Default::default() };
    let gz: crate::msgs::geometry::Twist = TwistStamped { header, twist: twist.clone() }.to_gz();
    let back = TwistStamped::from_gz(&gz);
    assert_eq!((back.header.frame_id.as_str(), back.twist), ("x3/base_link/eye", twist));
}

#[test]
fn of_a_lidar_with_rows_the_middle_one_is_taken() {
    let gz = crate::msgs::sensing::LaserScan {
        count: 2,
        vertical_count: 3,
        ranges: vec![0.0, 1.0, 2.0, f64::INFINITY, 4.0, 5.0],
        ..Default::default()
    };
    assert_eq!(LaserScan::from_gz(&gz).ranges, [2.0, f32::INFINITY]);
}

#[test]
fn a_turned_box_keeps_place_turn_size_and_label() {
    let mut seen = Detection3D::default();
    let turn = Quaternion { x: 0.5, y: -0.5, z: 0.5, w: 0.5 };
    seen.bbox.center = Pose { position: Point { x: 1.0, y: -2.0, z: -7.5 }, orientation: turn };
    seen.bbox.size = Vector3 { x: 0.4, y: 0.6, z: 1.8 };
    let hypothesis = ObjectHypothesis { class_id: "7".into(), score: 1.0 };
    let pose = PoseWithCovariance { pose: seen.bbox.center.clone(), ..Default::default() };
    seen.results = vec![ObjectHypothesisWithPose { hypothesis, pose }];
    let gz: crate::msgs::sensing::AnnotatedOriented3DBox = seen.to_gz();
    assert_eq!((gz.label, gz.r#box.as_ref().unwrap().box_size.as_ref().unwrap().z), (7, 1.8));
    assert_eq!(Detection3D::from_gz(&gz), seen);
}

#[test]
fn a_receivers_velocity_is_told_as_the_bridge_tells_it() {
    let gz = crate::msgs::sensing::NavSat {
        velocity_east: 0.0,
        velocity_north: 3.0,
        velocity_up: -1.0,
        frame_id: "x3::base::gps".into(),
        ..Default::default()
    };
    let fix = GPSFix::from_gz(&gz);
    assert_eq!((fix.speed, fix.climb, fix.header.frame_id.as_str()), (3.0, -1.0, "x3/base/gps"));
    assert!((fix.track - std::f64::consts::FRAC_PI_2).abs() < 1e-12);
    let back = fix.to_gz();
    assert!((back.velocity_north - 3.0).abs() < 1e-12 && back.velocity_east.abs() < 1e-12);
}

#[test]
fn parameters_and_joints_keep_names_and_values() {
    let value = |v: ParameterValue| Parameter { name: "gain".into(), value: v };
    let integer = ParameterValue { r#type: 2, integer_value: 1 << 40, ..Default::default() };
    let all = ParamVec { params: vec![value(integer)], ..Default::default() };
    let gz: crate::msgs::bridged::ParamV = all.to_gz();
    let back = ParamVec::from_gz(&gz);
    // As in the bridge: it fits or is the largest that does, and has the number of its set before its name.
    assert_eq!(back.params[0].name, "param_0/gain");
    assert_eq!(back.params[0].value.integer_value, i64::from(i32::MAX));
    let state = JointState { name: vec!["hinge".into()], position: vec![0.5], ..Default::default() };
    let back = JointState::from_gz(&state.to_gz());
    assert_eq!((back.name, back.position, back.velocity), (state.name, vec![0.5], vec![0.0]));
}

/// ros_gz_bridge takes the frame of a scan from the scan, not from its header.
#[test]
fn the_frame_of_a_scan_is_the_scans_own() {
    let mut gz: crate::msgs::sensing::LaserScan =
        LaserScan { header: Header { frame_id: "name".into(), ..Default::default() }, ..Default::default() }
            .to_gz();
    gz.frame = "x3::base::lidar".into();
    assert_eq!(LaserScan::from_gz(&gz).header.frame_id, "x3/base/lidar");
}
