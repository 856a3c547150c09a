//! Thin green lines around what a bounding-box camera found, as Gazebo draws them into its image.

use nalgebra::Point3;
use peregrine_render::Camera;

use crate::sensors::TurnedBox;

fn dot(rgb: &mut [u8], camera: &Camera, x: usize, y: usize) {
    let at = (y * camera.width as usize + x) * 3;
    rgb[at..at + 3].copy_from_slice(&[0, 255, 0]);
}

/// A box in the image: left, top, width, height, pixels.
pub(super) fn outline(rgb: &mut [u8], camera: &Camera, [left, top, width, height]: &[f64; 4]) {
    let (columns, rows) = (camera.width as usize, camera.height as usize);
    let end = |v: f64, last: usize| (v.max(0.0) as usize).min(last);
    let (x0, x1) = (end(*left, columns - 1), end(left + width - 1.0, columns - 1));
    let (y0, y1) = (end(*top, rows - 1), end(top + height - 1.0, rows - 1));
    (x0..=x1).for_each(|x| [y0, y1].into_iter().for_each(|y| dot(rgb, camera, x, y)));
    (y0..=y1).for_each(|y| [x0, x1].into_iter().for_each(|x| dot(rgb, camera, x, y)));
}

/// The edges of a turned box, without the lens; none of a box that reaches behind the camera.
pub(super) fn wire(rgb: &mut [u8], camera: &Camera, b: &TurnedBox) {
    let corner = |k: usize| {
        let side = |axis: usize| if k >> axis & 1 == 1 { 0.5 } else { -0.5 };
        let p = b.pose * Point3::from([0, 1, 2].map(|axis| side(axis) * b.size[axis]));
        // From Gazebo's frame of cameras to the optical one.
        camera.project(&Point3::new(p.x, -p.y, -p.z)).filter(|_| -p.z >= camera.near_m)
    };
    let corners = [0, 1, 2, 3, 4, 5, 6, 7].map(corner);
    if corners.iter().any(Option::is_none) {
        return;
    }
    for (k, from) in corners.iter().enumerate() {
        for to in [1, 2, 4].iter().filter(|bit| k & **bit == 0).map(|bit| &corners[k | bit]) {
            if let (Some(from), Some(to)) = (from, to) {
                line(rgb, camera, *from, *to);
            }
        }
    }
}

fn line(rgb: &mut [u8], camera: &Camera, from: [f64; 2], to: [f64; 2]) {
    let (width, height) = (f64::from(camera.width), f64::from(camera.height));
    let way = [to[0] - from[0], to[1] - from[1]];
    // What is far outside of the picture is not walked through pixel by pixel.
    let steps = way[0].abs().max(way[1].abs()).ceil().min(4.0 * (width + height)).max(1.0);
    for i in 0..=steps as u32 {
        let t = f64::from(i) / steps;
        let (x, y) = (from[0] + way[0] * t, from[1] + way[1] * t);
        if (0.0..width).contains(&x) && (0.0..height).contains(&y) {
            dot(rgb, camera, x as usize, y as usize);
        }
    }
}
