use nalgebra::{Isometry3, Point3, Vector3};
use peregrine_render::Renderer;

use super::*;
use crate::physics::{Quadrotor, State, Vehicle};
use crate::rng::Stream;
use crate::scenario::{ForestSpec, from_sdf};
use crate::sdf::Loader;

#[test]
fn thirty_hertz_is_thirty_a_second_forever() {
    let mut depth = Rate::new(30.0);
    let mut color = Rate::new(10.0);
    let mut stamps = Vec::new();
    for second in 0..1000_i64 {
        let mut count = 0;
        while depth.next_ns().unwrap() < (second + 1) * 1_000_000_000 {
            stamps.push(depth.next_ns().unwrap());
            assert_eq!(depth.fire(*stamps.last().unwrap()), Some(second * 30 + count));
            count += 1;
        }
        assert_eq!(count, 30);
    }
    let gaps = stamps.windows(2).map(|w| w[1] - w[0]);
    assert!(gaps.into_iter().all(|g| g == 33_333_333 || g == 33_333_334));
    // Colour and depth meet at exactly the same nanosecond, three depth frames apart.
    for k in 0..500 {
        assert_eq!(color.next_ns().unwrap(), stamps[3 * k]);
        color.fire(i64::MAX);
    }
    assert_eq!(Rate::new(0.0).next_ns(), None);
    assert_eq!(Rate::new(0.0).fire(5), None);
}

#[test]
fn an_imu_at_rest_shows_gravity_and_its_noise_is_as_asked() {
    let g = Vector3::new(0.0, 0.0, -9.8);
    let quad = Quadrotor::hovering(Vehicle::x500(), Point3::new(0.0, 0.0, 2.0), 0.0, g).unwrap();
    let truth = quad.sample(0);
    let imu = Imu::new(ImuNoise { accelerometer: 0.05, gyroscope: 0.003 }, 3, 1);
    let n = 4000;
    let (mut sum, mut squares, mut rates) = (Vector3::zeros(), 0.0, 0.0);
    for i in 0..n {
        let r = imu.read(&truth, i);
        sum += r.specific_force;
        squares += (r.specific_force - Vector3::new(0.0, 0.0, 9.8)).norm_squared() / 3.0;
        rates += r.rates.norm_squared() / 3.0;
    }
    assert!((sum / n as f64 - Vector3::new(0.0, 0.0, 9.8)).norm() < 0.005);
    assert!(((squares / n as f64).sqrt() - 0.05).abs() < 0.002);
    assert!(((rates / n as f64).sqrt() - 0.003).abs() < 0.0002);
    assert_eq!(imu.read(&truth, 17), imu.read(&truth, 17));
    let perfect = Imu::new(ImuNoise { accelerometer: 0.0, gyroscope: 0.0 }, 3, 1);
    assert_eq!(perfect.read(&truth, 5).specific_force, truth.specific_force);
}

#[test]
fn odometry_gives_velocity_in_the_body_frame() {
    let mut state = State::at(Point3::new(1.0, 2.0, 3.0), std::f64::consts::FRAC_PI_2, 0.0);
    state.velocity = Vector3::new(0.0, 5.0, 1.0);
    let odom = Odometry::of(&state);
    assert!((odom.velocity - Vector3::new(5.0, 0.0, 1.0)).norm() < 1e-12);
    assert_eq!(odom.pose.translation.vector, Vector3::new(1.0, 2.0, 3.0));
}

/// Two posts and a ball whose places are known.
fn test_world() -> crate::scenario::World {
    let post = |name: &str, x: f64, y: f64| {
        format!(
            "<model name='{name}'><static>true</static><pose>{x} {y} 2.5 0 0 0</pose><link name='l'>\
             <collision name='c'><geometry><cylinder><radius>0.3</radius><length>5</length></cylinder></geometry></collision>\
             <visual name='v'><geometry><cylinder><radius>0.3</radius><length>5</length></cylinder></geometry></visual>\
             </link></model>"
        )
    };
    let text = format!(
        "<sdf version='1.9'><world name='w'>{}{}<model name='sports_ball'><static>true</static>\
         <pose>6 1.5 2 0 0 0</pose><link name='l'><visual name='v'><geometry><sphere><radius>0.4</radius></sphere>\
         </geometry></visual></link></model></world></sdf>",
        post("near", 4.3, 0.0),
        post("far", 30.0, -3.0)
    );
    let loaded = Loader::new().load_str(&text, "test").unwrap();
    from_sdf(loaded, "test", ForestSpec::default().goal_distance, 2.0).unwrap()
}

#[test]
fn depth_is_metres_to_the_surface_and_infinite_beyond_range() {
    let world = test_world();
    let mut renderer = Renderer::new(1).unwrap();
    let mount = Mount { position: Vector3::new(0.2, 0.0, 0.1), pitch: 0.0 };
    let depth = DepthCamera::new(320, 240, 87_f64.to_radians(), 10.0, mount, 0.0, Stream::new(1, 1)).unwrap();
    let mut image = vec![0.0; 320 * 240];
    let body = Isometry3::translation(0.0, 0.0, 2.0);
    depth.fill(&mut renderer, &world.scene, &body, 0, &mut image).unwrap();
    let at = |x: usize, y: usize| f64::from(image[y * 320 + x]);
    // The post's front is at 4.3 - 0.3 - 0.2 from the lens.
    assert!((at(160, 120) - 3.8).abs() < 0.02, "{}", at(160, 120));
    assert_eq!(at(10, 10), f64::INFINITY);
    // The far post is out of range.
    let k = depth.intrinsics();
    let far = k.project(&Point3::new(3.0, 0.1, 29.5)).unwrap();
    assert_eq!(at(far[0] as usize, far[1] as usize), f64::INFINITY);
}

#[test]
fn depth_noise_is_seeded_and_grows_with_the_square() {
    let world = test_world();
    let mut renderer = Renderer::new(1).unwrap();
    let body = Isometry3::translation(0.0, 0.0, 2.0);
    let mut shoot = |noise: f64, seed: u64, index: i64| {
        let camera =
            DepthCamera::new(160, 120, 1.5, 10.0, Mount::default(), noise, Stream::new(seed, 1)).unwrap();
        let mut image = vec![0.0; 160 * 120];
        camera.fill(&mut renderer, &world.scene, &body, index, &mut image).unwrap();
        image
    };
    let clean = shoot(0.0, 1, 0);
    let noisy = shoot(0.005, 1, 0);
    assert_eq!(noisy, shoot(0.005, 1, 0));
    assert_ne!(noisy, shoot(0.005, 2, 0));
    assert_ne!(noisy, shoot(0.005, 1, 1));
    let scaled: Vec<f64> = clean
        .iter()
        .zip(&noisy)
        .filter(|(c, _)| c.is_finite())
        .map(|(c, n)| f64::from(n - c) / (0.005 * f64::from(c * c)))
        .collect();
    let deviation = (scaled.iter().map(|x| x * x).sum::<f64>() / scaled.len() as f64).sqrt();
    assert!((deviation - 1.0).abs() < 0.1, "{deviation} of {}", scaled.len());
    assert_eq!(clean.iter().filter(|z| z.is_finite()).count(), scaled.len(), "misses stay misses");
}

/// Bytes that start off a multiple of four must hold the same picture.
#[test]
fn unaligned_slots_hold_the_same_depth() {
    let world = test_world();
    let mut renderer = Renderer::new(1).unwrap();
    let body = Isometry3::translation(0.0, 0.0, 2.0);
    let mut camera = DepthCamera::new(64, 48, 1.5, 10.0, Mount::default(), 0.01, Stream::new(1, 1)).unwrap();
    let mut bytes = vec![0_u8; 64 * 48 * 4 + 4];
    let mut shots = Vec::new();
    for offset in 0..4 {
        let slot = &mut bytes[offset..offset + 64 * 48 * 4];
        camera.shoot(&mut renderer, &world.scene, &body, 3, slot).unwrap();
        shots.push(slot.to_vec());
    }
    assert!(shots.windows(2).all(|w| w[0] == w[1]));
}

#[test]
fn a_known_point_is_drawn_where_the_intrinsics_say() {
    let world = test_world();
    let mut renderer = Renderer::new(1).unwrap();
    let mut camera = ColorCamera::new(640, 480, 1.2, Mount { pitch: 0.1, ..Mount::default() }).unwrap();
    let mut rgb = vec![0; 640 * 480 * 3];
    for (x, y, yaw) in [(0.0, 0.0, 0.0), (1.0, 2.5, -0.3), (2.0, 3.0, -0.2)] {
        let body = State::at(Point3::new(x, y, 2.2), yaw, 0.0).pose();
        camera.shoot(&mut renderer, &world.scene, &Odometry::still(body), 0, &mut rgb, true).unwrap();
        let boxes = Truths::default().find(&camera, &world, &body).unwrap();
        let ball = boxes.iter().find(|b| b.label == "sports ball").unwrap();
        // The ball's middle, by hand: world to body to camera to pixels.
        let centre = body.inverse_transform_point(&Point3::new(6.0, 1.5, 2.0));
        let (s, c) = 0.1_f64.sin_cos();
        let from_lens = centre.coords - camera.mount().position;
        let ahead = from_lens.x * c - from_lens.z * s;
        let up = from_lens.x * s + from_lens.z * c;
        let f = 320.0 / 0.6_f64.tan();
        let (u, v) = (320.0 - f * from_lens.y / ahead, 240.0 - f * up / ahead);
        let [left, top, width, height] = ball.seen;
        assert!((left + width / 2.0 - u).abs() < 3.0, "{u} {ball:?}");
        assert!((top + height / 2.0 - v).abs() < 3.0, "{v} {ball:?}");
        assert!((width - 2.0 * f * 0.4 / ahead).abs() < 6.0, "{ball:?}");
        assert!((ball.position - Point3::new(-from_lens.y, -up, ahead)).norm() < 1e-9);
        assert!(ball.visible_fraction > 0.9);
    }
}
