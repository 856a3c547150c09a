use std::f64::consts::{FRAC_PI_2, PI};

use nalgebra::{Isometry3, Matrix3, UnitQuaternion, Vector3};

use super::*;

const DOWN: Vector3<f64> = Vector3::new(0.0, 0.0, -9.81);

/// A link whose centre lies `arm` metres along its -z, on a joint about y.
fn rod(parent: Option<usize>, below: f64, arm: f64, law: Law) -> Body {
    Body {
        parent,
        place: Isometry3::translation(0.0, 0.0, -below),
        link: Isometry3::identity(),
        freedom: Freedom::Turn(Vector3::y()),
        law,
        mass: 1.5,
        centre: Vector3::new(0.0, 0.0, -arm),
        inertia: Matrix3::from_diagonal(&Vector3::new(0.03, 0.04, 0.01)),
    }
}

fn run(tree: &mut Tree, seconds: f64) {
    for _ in 0..(seconds * 1000.0).round() as u32 {
        tree.step(&DOWN, 1e-3);
    }
}

/// The period of a large swing by the arithmetic-geometric mean.
#[test]
fn a_pendulum_swings_with_its_period() {
    for start in [0.1_f64, 1.0, 2.5] {
        let mut tree = Tree::new(vec![rod(None, 0.0, 0.5, Law::default())]).unwrap();
        tree.set(0, start, 0.0);
        let (mut a, mut g) = (1.0, (start / 2.0).cos());
        for _ in 0..30 {
            (a, g) = ((a + g) / 2.0, (a * g).sqrt());
        }
        let small = 2.0 * PI * ((0.04 + 1.5 * 0.25) / (1.5 * 9.81 * 0.5_f64)).sqrt();
        let period = small / a;
        // Half a period later it is as far on the other side.
        let steps = (period / 2.0 / 1e-3).floor();
        run(&mut tree, steps * 1e-3);
        tree.step(&DOWN, period / 2.0 - steps * 1e-3);
        assert!((tree.positions()[0] + start).abs() < 1e-6, "{start}: {}", tree.positions()[0]);
        assert!(tree.speeds()[0].abs() < 1e-5);
    }
}

/// A pivot that is not the link's origin, and a joint that is turned: the same swing.
#[test]
fn where_the_links_origin_lies_does_not_matter() {
    let plain = rod(None, 0.0, 0.5, Law::default());
    let turn = UnitQuaternion::from_euler_angles(0.3, -0.4, 0.9);
    let shift = Isometry3::from_parts(Vector3::new(0.1, -0.2, 0.3).into(), turn);
    let moved = Body {
        link: shift,
        centre: (shift.inverse() * nalgebra::Point3::from(plain.centre)).coords,
        inertia: turn.inverse().to_rotation_matrix() * plain.inertia * turn.to_rotation_matrix(),
        ..plain.clone()
    };
    let mut trees = [plain, moved].map(|b| Tree::new(vec![b]).unwrap());
    for tree in &mut trees {
        tree.set(0, 2.0, 0.5);
        run(tree, 3.0);
    }
    let [a, b] = trees;
    assert!((a.positions()[0] - b.positions()[0]).abs() < 1e-9, "{a:?} {b:?}");
}

/// Without damping a double pendulum, wild as it is, keeps its energy; and a fixed link in between is one body with its parent.
#[test]
fn a_double_pendulum_keeps_its_energy() {
    let bodies = vec![rod(None, 0.0, 0.3, Law::default()), rod(Some(0), 0.6, 0.3, Law::default())];
    let mut tree = Tree::new(bodies).unwrap();
    tree.set(0, 2.0, 0.0);
    tree.set(1, -1.0, 3.0);
    let before = tree.energy(&DOWN);
    run(&mut tree, 5.0);
    let after = tree.energy(&DOWN);
    assert!((after - before).abs() < 1e-5 * before.abs().max(1.0), "{before} {after}");
    assert!((tree.positions()[0] - 2.0).abs() > 0.1);

    let fixed = |freedom| Body { freedom, ..rod(Some(0), 0.6, 0.3, Law::default()) };
    let mut two = Tree::new(vec![rod(None, 0.0, 0.3, Law::default()), fixed(Freedom::Fixed)]).unwrap();
    // Both rods about the common pivot.
    let whole = 0.04 + 1.5 * 0.09 + 0.04 + 1.5 * 0.81;
    let centre = (0.3 + 0.9) / 2.0;
    let one = Body {
        mass: 3.0,
        centre: Vector3::new(0.0, 0.0, -centre),
        inertia: Matrix3::from_diagonal_element(whole - 3.0 * centre * centre),
        ..rod(None, 0.0, 0.0, Law::default())
    };
    let mut one = Tree::new(vec![one]).unwrap();
    for tree in [&mut two, &mut one] {
        tree.set(0, 1.2, 0.0);
        run(tree, 2.0);
    }
    assert!((two.positions()[0] - one.positions()[0]).abs() < 1e-9);
}

/// A door about z: gravity does nothing, damping stops it exponentially, a spring swings it back, friction holds it.
#[test]
fn a_door_obeys_its_dynamics() {
    let door = |law| {
        let hinge = Body {
            freedom: Freedom::Turn(Vector3::z()),
            centre: Vector3::new(0.4, 0.0, 1.0),
            inertia: Matrix3::from_diagonal_element(0.6),
            mass: 10.0,
            ..rod(None, 0.0, 0.0, law)
        };
        Tree::new(vec![hinge]).unwrap()
    };
    let resist = 0.6 + 10.0 * 0.16;
    let mut damped = door(Law { damping: 1.1, ..Law::default() });
    damped.set(0, 0.0, 2.0);
    run(&mut damped, 2.0);
    let k: f64 = 1.1 / resist;
    assert!((damped.speeds()[0] - 2.0 * (-2.0 * k).exp()).abs() < 1e-9);
    assert!((damped.positions()[0] - 2.0 / k * (1.0 - (-2.0 * k).exp())).abs() < 1e-9);

    let mut sprung = door(Law { stiffness: 20.0, reference: 0.5, ..Law::default() });
    run(&mut sprung, PI * (resist / 20.0_f64).sqrt());
    assert!((sprung.positions()[0] - 1.0).abs() < 1e-5, "{:?}", sprung.positions());

    let mut rough = door(Law { friction: 2.2, ..Law::default() });
    rough.set(0, 0.0, 1.5);
    run(&mut rough, 4.0);
    // It loses 1 rad/s a second, and then stands.
    let way = 1.5 * 1.5 / 2.0 * resist / 2.2;
    assert!((rough.positions()[0] - way).abs() < 2e-3 && rough.speeds()[0].abs() < 1e-3, "{rough:?}");

    let mut stopped = door(Law { lower: -0.2, upper: FRAC_PI_2, damping: 0.5, ..Law::default() });
    stopped.set(0, 1.0, 3.0);
    let mut most = 0.0_f64;
    for _ in 0..20_000 {
        stopped.step(&DOWN, 1e-3);
        most = most.max(stopped.positions()[0]);
        assert!(stopped.positions()[0] > -0.22);
    }
    assert!(most > FRAC_PI_2 && most < FRAC_PI_2 + 0.02, "{most}");
    assert!(stopped.speeds()[0].abs() < 0.05);
}

/// A lift falls by gravity onto its lower stop, and stays there.
#[test]
fn a_slide_falls_and_rests_on_its_stop() {
    let law = Law { lower: -1.0, upper: 1.0, ..Law::default() };
    let slide = Body { freedom: Freedom::Slide(Vector3::z()), ..rod(None, 0.0, 0.2, law) };
    let mut tree = Tree::new(vec![slide]).unwrap();
    run(&mut tree, 0.4);
    assert!((tree.positions()[0] + 0.5 * 9.81 * 0.16).abs() < 1e-9);
    run(&mut tree, 3.0);
    assert!((tree.positions()[0] + 1.0).abs() < 1e-3 && tree.speeds()[0].abs() < 1e-3, "{tree:?}");
    assert!((tree.poses()[0].translation.z + 1.0).abs() < 1e-3);
}

#[test]
fn trees_that_are_none_are_refused() {
    assert!(Tree::new(vec![rod(Some(0), 0.0, 0.5, Law::default())]).is_none());
    assert!(Tree::new(vec![Body { mass: 0.0, ..rod(None, 0.0, 0.5, Law::default()) }]).is_none());
}
