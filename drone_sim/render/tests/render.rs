//! What a picture must be whatever it shows: the same for any number of threads, at the depth an exact ray finds, cut
//! where the camera's range ends.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use peregrine_render::raycast::{Ray, Shape, nearest};
use peregrine_render::{
    BoxFinder, Camera, Instance, Material, Mesh, RenderError, Renderer, Scene, Settings, Sun, Targets,
    Texture, look_at, props,
};

struct Shot {
    rgb: Vec<u8>,
    depth: Vec<f32>,
    object: Vec<u32>,
}

fn shoot(renderer: &mut Renderer, scene: &Scene, camera: &Camera, pose: &Isometry3<f64>) -> Shot {
    let n = (camera.width * camera.height) as usize;
    let mut s = Shot { rgb: vec![0; n * 3], depth: vec![0.0; n], object: vec![0; n] };
    let targets = Targets { rgb: Some(&mut s.rgb), depth: Some(&mut s.depth), object: Some(&mut s.object) };
    renderer.render(scene, camera, pose, targets).unwrap();
    s
}

fn pose(x: f64, y: f64, z: f64, axis: [f64; 3], angle: f64) -> Isometry3<f64> {
    Isometry3::new(Vector3::new(x, y, z), Vector3::from(axis).normalize() * angle)
}

/// Every primitive, turned at will, with its exact twin.
fn primitives() -> (Scene, Vec<(Isometry3<f64>, Shape)>) {
    let mut scene = Scene::new();
    let matt = scene.add_material(Material::default()).unwrap();
    let mut twins = Vec::new();
    let parts = [
        (Mesh::plane([600.0, 600.0], 30.0, 1.0), Shape::Plane, Isometry3::identity()),
        (
            Mesh::cuboid([1.0, 2.0, 1.5]),
            Shape::Box { size: [1.0, 2.0, 1.5] },
            pose(-3.0, 6.0, 1.4, [1.0, 2.0, 0.5], 0.7),
        ),
        (Mesh::sphere(1.0, 128), Shape::Sphere { radius: 1.0 }, pose(0.0, 7.0, 1.5, [1.0, 0.0, 0.0], 0.3)),
        (
            Mesh::cylinder(0.5, 3.0, 128),
            Shape::Cylinder { radius: 0.5, length: 3.0 },
            pose(3.0, 8.0, 1.6, [0.3, 1.0, 0.0], 0.4),
        ),
        (
            Mesh::capsule(0.4, 1.2, 128),
            Shape::Capsule { radius: 0.4, length: 1.2 },
            pose(-1.6, 4.0, 1.0, [1.0, 0.2, 0.0], 1.1),
        ),
        (
            Mesh::cone(0.8, 2.0, 128),
            Shape::Cone { radius: 0.8, length: 2.0 },
            pose(1.8, 4.5, 1.2, [0.0, 1.0, 0.3], -0.6),
        ),
    ];
    for (i, (mesh, shape, at)) in parts.into_iter().enumerate() {
        let mesh = scene.add_mesh(mesh);
        scene.add_instance(Instance::new(mesh, matt, at).labelled(i as u32 + 1, 0)).unwrap();
        twins.push((at, shape));
    }
    (scene, twins)
}

fn forest() -> Scene {
    let mut scene = Scene::new();
    let ground = scene.add_prop(&props::grass(200.0, 1)).unwrap();
    scene.place(&ground, Isometry3::identity(), 1.0, 0, 0).unwrap();
    let kinds =
        [props::tree(1), props::pine(2), props::car(0x3050A0), props::stop_sign(), props::potted_plant(1)];
    let kinds = kinds.map(|p| scene.add_prop(&p).unwrap());
    for i in 0..40u32 {
        let (x, y) = (f64::from(i * 7 % 23) - 11.0, 3.0 + f64::from(i * 5 % 31));
        let at = pose(x, y, 0.0, [0.0, 0.0, 1.0], f64::from(i));
        scene.place(&kinds[i as usize % 5], at, 1.0, i + 1, (i % 5) as u16).unwrap();
    }
    scene
}

#[test]
fn bytes_do_not_depend_on_the_number_of_threads_or_on_earlier_frames() {
    let scene = forest();
    let camera = Camera::from_hfov(321, 243, 1.5).unwrap();
    let path = |k: usize| look_at(Point3::new(0.3, k as f64 * 4.7, 1.6), Point3::new(0.0, 40.0, 1.0));
    let mut one = Renderer::new(1).unwrap();
    let want: Vec<Shot> = (0..3).map(|k| shoot(&mut one, &scene, &camera, &path(k))).collect();
    for threads in [2, 4] {
        let mut many = Renderer::new(threads).unwrap();
        // The other way round, so that caches hold other things.
        for k in (0..3).rev() {
            let got = shoot(&mut many, &scene, &camera, &path(k));
            assert!(got.rgb == want[k].rgb, "{threads} threads, frame {k}: colour differs");
            assert!(got.depth == want[k].depth, "{threads} threads, frame {k}: depth differs");
            assert!(got.object == want[k].object, "{threads} threads, frame {k}: labels differ");
        }
    }
}

#[test]
fn depth_agrees_with_exact_rays() {
    let (scene, twins) = primitives();
    let camera = Camera::from_hfov(320, 240, 1.5).unwrap().with_range(0.05, 60.0);
    let mut renderer = Renderer::new(2).unwrap();
    for (eye, target) in [([0.0, 0.0, 1.6], [0.2, 8.0, 1.2]), ([4.0, 1.0, 4.0], [-1.0, 7.0, 0.8])] {
        let view = look_at(Point3::from(eye), Point3::from(target));
        let shot = shoot(&mut renderer, &scene, &camera, &view);
        let (mut compared, mut edges) = (0, 0);
        for y in 0..240 {
            for x in 0..320 {
                let direction = view * camera.ray(f64::from(x) + 0.5, f64::from(y) + 0.5);
                let ray = Ray { origin: Point3::from(view.translation.vector), direction };
                // The ray has z = 1 in the optical frame, so t is the optical depth.
                let want = nearest(&twins, &ray).filter(|h| h.0 < camera.far_m);
                let (got, object) = (
                    f64::from(shot.depth[y as usize * 320 + x as usize]),
                    shot.object[(y * 320 + x) as usize],
                );
                let same = want.map_or(0, |h| h.1 as u32 + 1) == object;
                if !same {
                    edges += 1;
                    continue;
                }
                let Some((t, index)) = want else {
                    assert_eq!(got, f64::INFINITY);
                    continue;
                };
                compared += 1;
                // Flat faces are exact up to rounding; round ones are inscribed by at most r (1 - cos(pi/128)) = 0.3 mm,
                // seen longer where the ray grazes them.
                let normal_slack = if index < 2 { 2e-6 * t } else { 0.03 };
                assert!(
                    (got - t).abs() <= normal_slack + 1e-5,
                    "pixel {x},{y} object {object}: {got} m, exactly {t} m"
                );
            }
        }
        assert!(compared > 40_000, "{compared}");
        assert!(edges < 320, "{edges} pixels see another object than the exact ray does");
    }
}

#[test]
fn a_wall_is_at_its_exact_depth_and_beyond_far_is_nothing() {
    let mut scene = Scene::new();
    let wall = scene.add_mesh(Mesh::cuboid([200.0, 1.0, 200.0]));
    let matt = scene.add_material(Material::default()).unwrap();
    let id = scene.add_instance(Instance::new(wall, matt, Isometry3::translation(0.0, 5.5, 0.0))).unwrap();
    let camera = Camera::from_hfov(70, 50, 1.2).unwrap().with_range(0.1, 20.0);
    let view = look_at(Point3::origin(), Point3::new(0.0, 1.0, 0.0));
    let mut renderer = Renderer::new(1).unwrap();
    let shot = shoot(&mut renderer, &scene, &camera, &view);
    assert!(shot.depth.iter().all(|d| (d - 5.0).abs() < 2e-6), "optical depth, not range");
    scene.set_pose(id, Isometry3::translation(0.0, 21.0, 0.0)).unwrap();
    let shot = shoot(&mut renderer, &scene, &camera, &view);
    assert!(shot.depth.iter().all(|d| *d == f32::INFINITY), "20.5 m is beyond 20 m");
    // The camera inside the box sees only back faces: nothing.
    scene.set_pose(id, Isometry3::translation(0.0, 0.0, 0.0)).unwrap();
    let shot = shoot(&mut renderer, &scene, &camera, &view);
    assert!(shot.depth.iter().all(|d| *d == f32::INFINITY), "back faces are not drawn");
}

#[test]
fn the_near_plane_cuts_where_it_should() {
    // A floor 1 m below a camera that looks straight down the horizon, near plane at 3 m: rows whose floor is nearer
    // than 3 m along the axis stay empty.
    let mut scene = Scene::new();
    let floor = scene.add_mesh(Mesh::plane([100.0, 100.0], 200.0, 1.0));
    let matt = scene.add_material(Material::default()).unwrap();
    scene.add_instance(Instance::new(floor, matt, Isometry3::identity())).unwrap();
    let camera = Camera::from_hfov(64, 200, 0.6).unwrap().with_range(3.0, 40.0);
    let view = look_at(Point3::new(0.0, 0.0, 1.0), Point3::new(0.0, 1.0, 1.0));
    let shot = shoot(&mut Renderer::new(1).unwrap(), &scene, &camera, &view);
    for y in 0..200usize {
        let slope = (y as f64 + 0.5 - camera.cy) / camera.fy;
        let exact = 1.0 / slope;
        for x in 0..64 {
            let got = f64::from(shot.depth[y * 64 + x]);
            if exact > 3.0 && exact < 40.0 {
                assert!((got - exact).abs() < 1e-5 * exact, "row {y}: {got} for {exact}");
            } else if !(2.97..3.03).contains(&exact) {
                assert_eq!(got, f64::INFINITY, "row {y}, exactly {exact}");
            }
        }
    }
}

#[test]
fn neighbouring_triangles_leave_no_gap_and_overlap_nowhere() {
    // A finely cut wall seen at a slant: every pixel belongs to it.
    let mut scene = Scene::new();
    let wall = scene.add_mesh(Mesh::plane([40.0, 40.0], 0.37, 1.0));
    let matt = scene.add_material(Material::default()).unwrap();
    let turn = pose(0.0, 6.0, 0.0, [1.0, 0.15, 0.25], 1.3);
    scene.add_instance(Instance::new(wall, matt, turn).labelled(9, 0)).unwrap();
    let camera = Camera::from_hfov(200, 150, 0.9).unwrap();
    let view = look_at(Point3::origin(), Point3::new(0.0, 1.0, 0.0));
    let shot = shoot(&mut Renderer::new(1).unwrap(), &scene, &camera, &view);
    assert_eq!(shot.object.iter().filter(|&&o| o != 9).count(), 0);
}

#[test]
fn textures_are_upright_and_not_mirrored() {
    // Quadrants: top left red, top right green, bottom left blue, bottom right white.
    let texture = Texture::from_fn(5, |u, v| match (u < 0.5, v < 0.5) {
        (true, true) => [1.0, 0.0, 0.0, 1.0],
        (false, true) => [0.0, 1.0, 0.0, 1.0],
        (true, false) => [0.0, 0.0, 1.0, 1.0],
        (false, false) => [1.0, 1.0, 1.0, 1.0],
    });
    let mut scene = Scene::new();
    let texture = scene.add_texture(texture);
    let unlit = Material { diffuse: [1.0; 3], texture: Some(texture), unlit: true, ..Material::default() };
    let unlit = scene.add_material(unlit).unwrap();
    let mesh = scene.add_mesh(Mesh::cuboid([2.0; 3]));
    scene.add_instance(Instance::new(mesh, unlit, Isometry3::identity())).unwrap();
    let camera = Camera::from_hfov(100, 100, 0.6).unwrap();
    let mut renderer = Renderer::new(1).unwrap();
    // Each of the four upright faces, from its own side.
    for eye in [[5.0, 0.0, 0.0], [-5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, -5.0, 0.0]] {
        let shot = shoot(&mut renderer, &scene, &camera, &look_at(Point3::from(eye), Point3::origin()));
        let at = |x: usize, y: usize| {
            let p = &shot.rgb[(y * 100 + x) * 3..][..3];
            [p[0] > 128, p[1] > 128, p[2] > 128]
        };
        assert_eq!(at(35, 35), [true, false, false], "{eye:?} top left");
        assert_eq!(at(65, 35), [false, true, false], "{eye:?} top right");
        assert_eq!(at(35, 65), [false, false, true], "{eye:?} bottom left");
        assert_eq!(at(65, 65), [true, true, true], "{eye:?} bottom right");
    }
}

#[test]
fn perspective_bends_texture_as_it_should() {
    // A floor striped across every metre: the stripe at a pixel follows from exact geometry.
    let mut scene = Scene::new();
    let texture = scene.add_texture(Texture::from_fn(6, |_, v| {
        let c = if v < 0.5 { 1.0 } else { 0.0 };
        [c, c, c, 1.0]
    }));
    let unlit = Material { diffuse: [1.0; 3], texture: Some(texture), unlit: true, ..Material::default() };
    let unlit = scene.add_material(unlit).unwrap();
    let floor = scene.add_mesh(Mesh::plane([100.0, 100.0], 300.0, 4.0));
    scene.add_instance(Instance::new(floor, unlit, Isometry3::identity())).unwrap();
    let camera = Camera::from_hfov(120, 160, 0.9).unwrap();
    let view = look_at(Point3::new(0.0, 0.0, 1.5), Point3::new(0.0, 1.0, 1.0));
    let shot = shoot(&mut Renderer::new(1).unwrap(), &scene, &camera, &view);
    let mut checked = 0;
    for y in 0..160 {
        let ray = view * camera.ray(60.5, f64::from(y) + 0.5);
        let t = -1.5 / ray.z;
        let north = ray.y * t;
        // v = -y / 4 m, so bright where the fraction is below a half.
        let v = (-north / 4.0).rem_euclid(1.0);
        let edge = [0.0, 0.5, 1.0].iter().any(|e| (v - e).abs() < 0.12);
        if t > 0.0 && north < 12.0 && !edge {
            let bright = shot.rgb[(y as usize * 120 + 60) * 3] > 128;
            assert_eq!(bright, v < 0.5, "row {y}, {north} m ahead");
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
}

#[test]
fn shadows_fall_away_from_the_sun_and_can_be_turned_off() {
    let mut scene = Scene::new();
    let matt = scene.add_material(Material::default()).unwrap();
    let floor = scene.add_mesh(Mesh::plane([60.0, 60.0], 60.0, 1.0));
    scene.add_instance(Instance::new(floor, matt, Isometry3::identity())).unwrap();
    let block = scene.add_mesh(Mesh::cuboid([1.0, 1.0, 2.0]));
    scene.add_instance(Instance::new(block, matt, Isometry3::translation(0.0, 0.0, 1.0))).unwrap();
    // Light travels east and down: the shadow lies east of the block, up to 2 m beyond it.
    scene.set_sun(Sun { direction: Vector3::new(1.0, 0.0, -1.0), ..Sun::default() }).unwrap();
    let camera = Camera::from_hfov(200, 200, 0.8).unwrap();
    let view = look_at(Point3::new(0.0, 0.0, 14.0), Point3::origin());
    let mut renderer = Renderer::new(2).unwrap();
    let shot = shoot(&mut renderer, &scene, &camera, &view);
    let light = |shot: &Shot, x: f64, y: f64| {
        let [u, v] = camera.project(&view.inverse_transform_point(&Point3::new(x, y, 0.0))).unwrap();
        i32::from(shot.rgb[(v as usize * 200 + u as usize) * 3])
    };
    assert!(light(&shot, 1.5, 0.0) + 40 < light(&shot, -1.5, 0.0), "east is dark, west is lit");
    assert!((light(&shot, 3.2, 0.0) - light(&shot, -3.2, 0.0)).abs() < 12, "the shadow ends");
    let mut settings = Settings::default();
    settings.shadow.enabled = false;
    renderer.set_settings(settings).unwrap();
    let shot = shoot(&mut renderer, &scene, &camera, &view);
    assert!((light(&shot, 1.5, 0.0) - light(&shot, -1.5, 0.0)).abs() < 12, "no shadows when off");
}

#[test]
fn boxes_hold_exactly_the_visible_pixels() {
    let mut scene = Scene::new();
    let matt = scene.add_material(Material::default()).unwrap();
    let cube = scene.add_mesh(Mesh::cuboid([1.0; 3]));
    let mut put = |x: f64, y: f64, object: u32| {
        let at = Isometry3::translation(x, y, 0.0);
        scene.add_instance(Instance::new(cube, matt, at).labelled(object, object as u16 + 10)).unwrap();
    };
    put(-2.0, 6.0, 3);
    put(0.2, 12.0, 4);
    put(0.6, 6.0, 5);
    put(0.0, -6.0, 6);
    let camera = Camera::from_hfov(200, 100, 1.4).unwrap();
    let view = look_at(Point3::origin(), Point3::new(0.0, 1.0, 0.0));
    let shot = shoot(&mut Renderer::new(1).unwrap(), &scene, &camera, &view);
    let (mut finder, mut boxes) = (BoxFinder::new(), Vec::new());
    finder.find(&scene, &camera, &view, &shot.object, Some(&shot.depth), 1, &mut boxes).unwrap();
    let ids: Vec<u32> = boxes.iter().map(|b| b.object).collect();
    assert_eq!(ids, [3, 4, 5], "the one behind is not seen");
    for b in &boxes {
        let inside = |i: usize| {
            let (x, y) = ((i % 200) as u32, (i / 200) as u32);
            x >= b.visible[0] && x < b.visible[2] && y >= b.visible[1] && y < b.visible[3]
        };
        let own: Vec<usize> = (0..shot.object.len()).filter(|&i| shot.object[i] == b.object).collect();
        assert_eq!(own.len(), b.pixels as usize);
        assert!(own.iter().all(|&i| inside(i)));
        assert_eq!(b.class, b.object as u16 + 10);
    }
    assert!(boxes[0].visible_fraction > 0.9, "free: {}", boxes[0].visible_fraction);
    assert!(boxes[1].visible_fraction < 0.8, "half behind the nearer cube: {}", boxes[1].visible_fraction);
    assert!((boxes[2].depth_m - 5.5).abs() < 1e-4);
}

#[test]
fn wrong_input_is_refused_with_its_code() {
    let (mut scene, _) = primitives();
    let camera = Camera::from_hfov(32, 32, 1.0).unwrap();
    let mut renderer = Renderer::new(1).unwrap();
    let here = Isometry3::identity();
    let code = |e: RenderError| e.to_string()[..7].to_owned();
    let mut rgb = vec![0u8; 32 * 32 * 3];
    let mut nan = here;
    nan.translation.vector.x = f64::NAN;
    let targets = || Targets::default();
    assert_eq!(code(renderer.render(&scene, &camera, &here, targets()).unwrap_err()), "PG-0907");
    let t = Targets { rgb: Some(&mut rgb), ..targets() };
    assert_eq!(code(renderer.render(&scene, &camera, &nan, t).unwrap_err()), "PG-0902");
    let t = Targets { rgb: Some(&mut rgb[1..]), ..targets() };
    assert_eq!(code(renderer.render(&scene, &camera, &here, t).unwrap_err()), "PG-0903");
    let t = Targets { depth: Some(&mut []), ..targets() };
    assert_eq!(code(renderer.render(&scene, &camera, &here, t).unwrap_err()), "PG-0903");
    let none = Camera { width: 0, ..camera };
    let t = Targets { rgb: Some(&mut []), ..targets() };
    assert_eq!(code(renderer.render(&scene, &none, &here, t).unwrap_err()), "PG-0901");
    assert_eq!(code(Camera::from_hfov(8, 8, f64::NAN).unwrap_err()), "PG-0901");
    assert_eq!(code(Mesh::from_triangles(&[[0.0; 3]], &[], &[], &[[0, 0, 1]]).unwrap_err()), "PG-0905");
    assert_eq!(
        code(Mesh::from_triangles(&[[f32::NAN; 3]; 3], &[], &[], &[[0, 1, 2]]).unwrap_err()),
        "PG-0905"
    );
    assert_eq!(code(Texture::from_rgba8(2, 2, &[0; 15]).unwrap_err()), "PG-0906");
    let dark = Sun { direction: Vector3::zeros(), ..Sun::default() };
    assert_eq!(code(scene.set_sun(dark).unwrap_err()), "PG-0910");
    let (mut small, mut other) = (Scene::new(), Scene::new());
    let mesh = other.add_mesh(Mesh::sphere(1.0, 8));
    let matt = other.add_material(Material::default()).unwrap();
    assert_eq!(code(small.add_instance(Instance::new(mesh, matt, here)).unwrap_err()), "PG-0904");
    assert_eq!(code(other.add_instance(Instance::new(mesh, matt, nan)).unwrap_err()), "PG-0902");
    let mut broken = here;
    broken.rotation = UnitQuaternion::new_unchecked(nalgebra::Quaternion::new(f64::NAN, 0.0, 0.0, 0.0));
    assert_eq!(code(other.add_instance(Instance::new(mesh, matt, broken)).unwrap_err()), "PG-0902");
    // Still in working order afterwards.
    let t = Targets { rgb: Some(&mut rgb), ..targets() };
    renderer.render(&scene, &camera, &here, t).unwrap();
}

#[test]
fn extreme_cameras_and_geometry_do_not_break_the_frame() {
    // Inside objects, on surfaces, straight up and down, huge and tiny: depth stays a number in range or +inf.
    let (scene, _) = primitives();
    let mut renderer = Renderer::new(2).unwrap();
    for (width, hfov) in [(1, 0.1), (65, 3.0), (130, 1.0)] {
        let camera = Camera::from_hfov(width, 67, hfov).unwrap().with_range(1e-3, 1e5);
        for eye in [[0.0, 7.0, 1.5], [0.0, 6.0, 1.5], [0.0, 0.0, 0.0], [0.0, 0.0, 1e-4], [2e4, 0.0, 3.0]] {
            for to in [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [1.0, 2.0, 0.0]] {
                let view = look_at(Point3::from(eye), Point3::from(eye) + Vector3::from(to));
                let shot = shoot(&mut renderer, &scene, &camera, &view);
                assert!(shot.depth.iter().all(|&d| d == f32::INFINITY || (9e-4..1.1e5).contains(&d)));
            }
        }
    }
}

#[test]
fn moving_things_leave_no_trace_in_later_frames() {
    let camera = Camera::from_hfov(160, 120, 1.4).unwrap();
    let view = look_at(Point3::new(0.0, 0.0, 3.0), Point3::new(0.0, 6.0, 0.0));
    let build = |at: Isometry3<f64>| {
        let mut scene = Scene::new();
        let matt = scene.add_material(Material::default()).unwrap();
        let floor = scene.add_mesh(Mesh::plane([60.0, 60.0], 10.0, 1.0));
        scene.add_instance(Instance::new(floor, matt, Isometry3::identity())).unwrap();
        let block = scene.add_mesh(Mesh::cuboid([1.0, 1.0, 1.0]));
        scene.add_instance(Instance::new(block, matt, Isometry3::translation(1.5, 6.0, 0.5))).unwrap();
        let id = scene.add_instance(Instance::new(block, matt, at)).unwrap();
        (scene, id)
    };
    let (mut scene, id) = build(Isometry3::translation(-4.0, 5.0, 1.0));
    let mut renderer = Renderer::new(2).unwrap();
    let mut last = shoot(&mut renderer, &scene, &camera, &view);
    for k in 1..=8 {
        scene.set_pose(id, Isometry3::translation(-4.0 + f64::from(k), 5.0, 1.0)).unwrap();
        let shot = shoot(&mut renderer, &scene, &camera, &view);
        assert!(shot.rgb != last.rgb, "step {k} changes the picture");
        last = shot;
    }
    let (fresh, _) = build(Isometry3::translation(4.0, 5.0, 1.0));
    let want = shoot(&mut Renderer::new(1).unwrap(), &fresh, &camera, &view);
    assert!(want.rgb == last.rgb, "a thing that came by moving looks as one that always stood there");
}

#[test]
fn far_instances_take_the_coarse_mesh_and_their_neighbours_do_not() {
    let mut scene = Scene::new();
    let matt = scene.add_material(Material::default()).unwrap();
    let fine = scene.add_mesh(Mesh::cuboid([1.0; 3]));
    let coarse = scene.add_mesh(Mesh::cuboid([1.0, 0.2, 1.0]));
    scene.set_coarse(fine, coarse, 10.0).unwrap();
    let id = scene.add_instance(Instance::new(fine, matt, Isometry3::translation(0.0, 9.9, 0.0))).unwrap();
    let camera = Camera::from_hfov(9, 9, 0.05).unwrap();
    let view = look_at(Point3::origin(), Point3::new(0.0, 1.0, 0.0));
    let mut renderer = Renderer::new(1).unwrap();
    let middle = |s: &Shot| s.depth[40];
    assert!((middle(&shoot(&mut renderer, &scene, &camera, &view)) - 9.4).abs() < 1e-4);
    scene.set_pose(id, Isometry3::translation(0.0, 10.1, 0.0)).unwrap();
    assert!((middle(&shoot(&mut renderer, &scene, &camera, &view)) - 10.0).abs() < 1e-4);
}

#[test]
fn distant_round_things_are_coarser_and_where_they_were() {
    let mut scene = Scene::new();
    let matt = scene.add_material(Material::default()).unwrap();
    let ball = scene.add_mesh(Mesh::sphere(1.0, 32));
    let id = scene.add_instance(Instance::new(ball, matt, Isometry3::identity()).labelled(1, 0)).unwrap();
    let mut renderer = Renderer::new(1).unwrap();
    let view = look_at(Point3::origin(), Point3::new(0.0, 1.0, 0.0));
    for distance in [5.0, 47.0, 60.0, 250.0] {
        scene.set_pose(id, Isometry3::translation(0.0, distance, 0.0)).unwrap();
        let camera = Camera::from_hfov(101, 101, 6.0 / distance).unwrap();
        let shot = shoot(&mut renderer, &scene, &camera, &view);
        // The fine mesh is inscribed by at most 5 mm, a coarser one by 0.0004 of the distance.
        let off = f64::from(shot.depth[50 * 101 + 50]) - (distance - 1.0);
        assert!((-1e-4..=0.005 + 4e-4 * distance).contains(&off), "{off} m at {distance} m");
        let seen = shot.object.iter().filter(|o| **o == 1).count() as f64;
        let size = 101.0 / (2.0 * (3.0 / distance).tan()) / (distance * distance - 1.0).sqrt();
        let whole = std::f64::consts::PI * size * size;
        assert!((0.85..1.01).contains(&(seen / whole)), "{seen} of {whole} pixels at {distance} m");
    }
}
