//! Ranges as the messages that ros_gz_bridge makes of Gazebo's.

use peregrine_msgs::sensor_msgs::{LaserScan, PointCloud2, PointField};
use peregrine_render::Camera;

use crate::sensors::Lidar;

/// Bytes of a point: x, y, z, four bytes of filling, a fourth value, filling. That of Gazebo's aligned clouds.
const STEP: usize = 32;

/// The middle row, as ros_gz_bridge picks it.
pub(super) fn laser_scan(lidar: &Lidar) -> LaserScan {
    let (spec, h) = (lidar.spec(), &lidar.spec().horizontal);
    let (columns, rows) = (h.count(), spec.vertical.count());
    let first = rows / 2 * columns;
    LaserScan {
        angle_min: h.min_angle as f32,
        angle_max: h.max_angle as f32,
        angle_increment: h.step() as f32,
        range_min: spec.min_range as f32,
        range_max: spec.max_range as f32,
        ranges: lidar.readings()[first..first + columns].to_vec(),
        intensities: lidar.intensities()[first..first + columns].to_vec(),
        ..Default::default()
    }
}

/// All rows as points of the sensor frame; misses are infinite. The layout is that of Gazebo's aligned clouds: x, y, z,
/// intensity and ring in 32 bytes.
pub(super) fn point_cloud(lidar: &Lidar) -> PointCloud2 {
    let (columns, rows) = (lidar.spec().horizontal.count(), lidar.spec().vertical.count());
    let mut data = vec![0u8; columns * rows * STEP];
    for (i, (point, range)) in data.chunks_exact_mut(STEP).zip(lidar.readings()).enumerate() {
        let d = lidar.direction(i);
        for k in 0..3 {
            // An infinite range along an axis' exact zero would be no number.
            let v =
                if range.is_finite() { f64::from(*range) * d[k] } else { f64::from(*range).copysign(d[k]) };
            point[4 * k..4 * k + 4].copy_from_slice(&(v as f32).to_le_bytes());
        }
        point[16..20].copy_from_slice(&lidar.intensities()[i].to_le_bytes());
        point[20..22].copy_from_slice(&((i / columns) as u16).to_le_bytes());
    }
    PointCloud2 {
        height: rows as u32,
        width: columns as u32,
        fields: vec![
            field("x", 0, PointField::FLOAT32),
            field("y", 4, PointField::FLOAT32),
            field("z", 8, PointField::FLOAT32),
            field("intensity", 16, PointField::FLOAT32),
            field("ring", 20, PointField::UINT16),
        ],
        point_step: STEP as u32,
        row_step: (STEP * columns) as u32,
        data,
        is_dense: false,
        ..Default::default()
    }
}

fn field(name: &str, offset: u32, datatype: u8) -> PointField {
    PointField { name: name.to_string(), offset, datatype, count: 1 }
}

/// Depths with their colours as points of the camera's frame, x forward, y left, z up: what Gazebo's rgbd camera publishes. Misses
/// are infinite. `rgb` and `depth` are of the same frame of `camera`.
pub(super) fn coloured_cloud(camera: &Camera, rgb: &[u8], depth: &[f32]) -> PointCloud2 {
    let (width, height) = (camera.width as usize, camera.height as usize);
    let mut data = vec![0u8; width * height * STEP];
    let pixels = depth.iter().zip(rgb.as_chunks::<3>().0).enumerate();
    for (point, (i, (z, [r, g, b]))) in data.as_chunks_mut::<STEP>().0.iter_mut().zip(pixels) {
        let (column, row) = ((i % width) as f64 + 0.5, (i / width) as f64 + 0.5);
        let z = f64::from(*z);
        let along = |slope: f64| if z.is_finite() { -slope * z } else { z.copysign(-slope) };
        let xyz = [z, along((column - camera.cx) / camera.fx), along((row - camera.cy) / camera.fy)];
        for (to, v) in point.as_chunks_mut::<4>().0.iter_mut().zip(xyz) {
            *to = (v as f32).to_le_bytes();
        }
        point[16..19].copy_from_slice(&[*b, *g, *r]);
    }
    PointCloud2 {
        height: camera.height,
        width: camera.width,
        fields: vec![
            field("x", 0, PointField::FLOAT32),
            field("y", 4, PointField::FLOAT32),
            field("z", 8, PointField::FLOAT32),
            field("rgb", 16, PointField::FLOAT32),
        ],
        point_step: STEP as u32,
        row_step: (STEP * width) as u32,
        data,
        is_dense: false,
        ..Default::default()
    }
}
