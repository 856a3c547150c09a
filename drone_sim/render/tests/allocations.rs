//! A frame costs no allocation once the renderer has seen the like. Its own binary: the counter sees every thread.

use nalgebra::{Isometry3, Point3};
use peregrine_render::{BoxFinder, Camera, Renderer, Scene, Targets, look_at, props};

#[global_allocator]
static ALLOCATOR: peregrine_counting::Counting = peregrine_counting::Counting;

#[test]
fn a_frame_allocates_nothing_after_warm_up() {
    let mut scene = Scene::new();
    let ground = scene.add_prop(&props::grass(100.0, 1)).unwrap();
    scene.place(&ground, Isometry3::identity(), 1.0, 0, 0).unwrap();
    let tree = scene.add_prop(&props::tree(1)).unwrap();
    for i in 0..30u32 {
        let at = Isometry3::translation(f64::from(i * 7 % 19) - 9.0, 4.0 + f64::from(i), 0.0);
        scene.place(&tree, at, 1.0, i + 1, 0).unwrap();
    }
    let ball = scene.add_prop(&props::soccer_ball(0.3)).unwrap();
    let ball = scene.place(&ball, Isometry3::identity(), 1.0, 99, 0).unwrap();
    let camera = Camera::from_hfov(160, 120, 1.5).unwrap();
    let mut renderer = Renderer::new(2).unwrap();
    let n = 160 * 120;
    let (mut rgb, mut depth, mut object) = (vec![0; n * 3], vec![0.0; n], vec![0; n]);
    let (mut finder, mut boxes) = (BoxFinder::new(), Vec::new());
    let mut round = |scene: &mut Scene| {
        for k in 0..20 {
            let x = f64::from(k) * 0.1;
            scene.move_prop(&ball, Isometry3::translation(x, 5.0, 0.0)).unwrap();
            let pose = look_at(Point3::new(x, 0.0, 1.5), Point3::new(x, 9.0, 1.5));
            let targets = Targets { rgb: Some(&mut rgb), depth: Some(&mut depth), object: Some(&mut object) };
            renderer.render(scene, &camera, &pose, targets).unwrap();
            finder.find(scene, &camera, &pose, &object, Some(&depth), 1, &mut boxes).unwrap();
        }
    };
    round(&mut scene);
    // Which thread takes which share differs from run to run, but no buffer belongs to a thread's share of triangles.
    let before = peregrine_counting::all();
    round(&mut scene);
    assert_eq!(peregrine_counting::all() - before, 0, "allocations in 20 frames");
}
