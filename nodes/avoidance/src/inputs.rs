//! From messages to what the planner takes. Messages come from strangers: nothing in them is believed unchecked.

use peregrine::prelude::*;
use peregrine_msgs::sensor_msgs::{CameraInfo, PointCloud2, PointField};
use peregrine_msgs::tracks::read_velocities;
use peregrine_msgs::vision_msgs::{Detection3D, Detection3DArray};
use peregrine_msgs::{builtin_interfaces, nav_msgs};

use crate::algo::depth::Intrinsics;
use crate::algo::geometry::{Pose, Quat, Vec3};
use crate::algo::guard::Odometry;
use crate::algo::movers::Track;
use crate::error::AvoidanceError;

/// Velocities kept at most; the planner takes fewer tracks.
const MOST: usize = 256;

/// The pinhole that a camera_info tells.
///
/// # Errors
/// PG-0707 when it tells none.
pub fn intrinsics(info: &CameraInfo) -> std::result::Result<Intrinsics, AvoidanceError> {
    let [fx, _, cx, _, fy, cy, ..] = info.k;
    Intrinsics::new(fx, fy, cx, cy, info.width as usize, info.height as usize)
}

/// Pose in odom and velocity, turned from the child frame (`base_link`, as nav_msgs/Odometry says) into odom. `None`
/// when a number is not finite or the quaternion is no rotation.
#[must_use]
pub fn odometry(message: &nav_msgs::Odometry) -> Option<Odometry> {
    let (p, q) = (&message.pose.pose.position, &message.pose.pose.orientation);
    let v = &message.twist.twist.linear;
    let rotation = Quat::checked(q.w, q.x, q.y, q.z)?;
    let (position, child) = (Vec3::new(p.x, p.y, p.z), Vec3::new(v.x, v.y, v.z));
    (position.is_finite() && child.is_finite()).then(|| Odometry {
        stamp: Time::from_msg(&message.header.stamp).0,
        pose: Pose { position, rotation },
        velocity: rotation.rotate(child),
    })
}

/// The points of a cloud, metres, in its own frame; those that are not finite are left in.
///
/// # Errors
/// PG-0709 when x, y or z are missing, have another type, or lie outside of a point.
pub fn points(cloud: &PointCloud2) -> std::result::Result<impl Iterator<Item = [f32; 3]>, AvoidanceError> {
    let step = cloud.point_step as usize;
    let place = |name: &str| {
        let field = cloud.fields.iter().find(|f| f.name == name && f.datatype == PointField::FLOAT32)?;
        let at = field.offset as usize;
        at.checked_add(4).is_some_and(|end| end <= step).then_some(at)
    };
    let (Some(x), Some(y), Some(z), false) = (place("x"), place("y"), place("z"), cloud.is_bigendian) else {
        return Err(AvoidanceError::PointCloud {
            width: cloud.width,
            height: cloud.height,
            step: cloud.point_step,
            bytes: cloud.data.len(),
        });
    };
    let (width, row_step) = (cloud.width as usize, (cloud.row_step as usize).max(1));
    // Rows may be padded; a cloud of one row has nothing to pad.
    let row_step = if cloud.height <= 1 { cloud.data.len().max(1) } else { row_step };
    let rows = cloud.data.chunks(row_step).take(cloud.height as usize);
    Ok(rows.flat_map(move |row| row.chunks_exact(step).take(width)).map(move |point| {
        [x, y, z].map(|at| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&point[at..at + 4]);
            f32::from_le_bytes(bytes)
        })
    }))
}

/// Pairs `tracks` with the `tracks/velocities` of the same picture.
#[derive(Debug, Clone, Default)]
pub struct Tracks {
    stamp: builtin_interfaces::Time,
    velocities: Vec<(u32, Vec3)>,
}

impl Tracks {
    /// None heard yet, with room for all that are kept.
    #[must_use]
    pub fn new() -> Self {
        Self { velocities: Vec::with_capacity(MOST), ..Self::default() }
    }

    /// Velocities of one picture. False when the cloud is none of velocities.
    pub fn hear(&mut self, cloud: &PointCloud2) -> bool {
        self.velocities.clear();
        self.stamp = cloud.header.stamp.clone();
        let Some(read) = read_velocities(cloud) else { return false };
        let velocity = |v: [f32; 3]| Vec3::new(f64::from(v[0]), f64::from(v[1]), f64::from(v[2]));
        self.velocities.extend(read.take(MOST).map(|t| (t.id, velocity(t.velocity))));
        true
    }

    /// The tracks of `found` as upright cylinders. One whose velocity did not come is taken to stand still.
    pub fn pair<'a>(&'a self, found: &'a Detection3DArray) -> impl Iterator<Item = Track> + 'a {
        let heard = found.header.stamp == self.stamp;
        found.detections.iter().enumerate().map(move |(index, detection)| {
            let velocity = heard.then(|| self.velocity(index, &detection.id)).flatten();
            cylinder(detection, velocity.unwrap_or(Vec3::ZERO))
        })
    }

    fn velocity(&self, index: usize, id: &str) -> Option<Vec3> {
        let id = id.parse::<u32>().ok()?;
        // Usually they come in the same order.
        match self.velocities.get(index) {
            Some((same, velocity)) if *same == id => Some(*velocity),
            _ => self.velocities.iter().find(|(other, _)| *other == id).map(|(_, velocity)| *velocity),
        }
    }
}

/// The upright cylinder about a box. A square footprint stands for a round thing; of any other the corners count.
fn cylinder(detection: &Detection3D, velocity: Vec3) -> Track {
    let (p, size) = (&detection.bbox.center.position, &detection.bbox.size);
    let square = (size.x - size.y).abs() <= 0.1 * size.x.max(size.y);
    let radius = if square { 0.5 * size.x.max(size.y) } else { 0.5 * size.x.hypot(size.y) };
    Track { position: Vec3::new(p.x, p.y, p.z), velocity, radius, half_height: 0.5 * size.z }
}

/// Feeds any cloud to the readers; for fuzzing.
pub fn fuzz(cloud: &PointCloud2) {
    if let Ok(points) = points(cloud) {
        std::hint::black_box(points.filter(|p| p[0] > 0.0).count());
    }
    let mut tracks = Tracks::new();
    tracks.hear(cloud);
    std::hint::black_box(tracks.velocities.len());
}

#[cfg(test)]
mod tests {
    use super::*;
    use peregrine_msgs::geometry_msgs::Vector3;
    use peregrine_msgs::tracks::{TrackVelocity, write_velocities};

    fn cloud(width: u32, height: u32, pad: u32) -> PointCloud2 {
        let field = |name: &str, offset| PointField {
            name: name.into(),
            offset,
            datatype: PointField::FLOAT32,
            count: 1,
        };
        let mut data = Vec::new();
        for row in 0..height {
            for column in 0..width {
                for value in [0.0, column as f32, row as f32, -1.0_f32] {
                    data.extend_from_slice(&value.to_le_bytes());
                }
            }
            data.extend(std::iter::repeat_n(0xFF, pad as usize));
        }
        PointCloud2 {
            width,
            height,
            point_step: 16,
            row_step: 16 * width + pad,
            fields: vec![field("x", 4), field("y", 8), field("z", 12)],
            data,
            ..Default::default()
        }
    }

    #[test]
    fn points_are_read_wherever_they_lie_and_odd_clouds_are_refused() {
        let organised = cloud(3, 2, 5);
        let read: Vec<_> = points(&organised).unwrap().collect();
        assert_eq!(read.len(), 6);
        assert_eq!((read[2], read[5]), ([2.0, 0.0, -1.0], [2.0, 1.0, -1.0]));
        let mut short = cloud(4, 1, 0);
        short.data.truncate(40);
        assert_eq!(points(&short).unwrap().count(), 2);
        let spoil = |change: fn(&mut PointCloud2)| {
            let mut odd = cloud(3, 2, 0);
            change(&mut odd);
            let error = points(&odd).err().map(|e| e.to_string());
            error.is_some_and(|e| e.starts_with("PG-0709"))
        };
        assert!(spoil(|c| c.fields.truncate(2)));
        assert!(spoil(|c| c.fields[0].offset = u32::MAX));
        assert!(spoil(|c| c.fields[0].offset = 13));
        assert!(spoil(|c| c.is_bigendian = true));
        assert!(spoil(|c| c.point_step = 0));
        assert!(spoil(|c| c.fields[1].datatype = PointField::FLOAT64));
    }

    fn detection(id: &str, size: (f64, f64, f64)) -> Detection3D {
        let mut made = Detection3D { id: id.into(), ..Default::default() };
        made.bbox.size = Vector3 { x: size.0, y: size.1, z: size.2 };
        made
    }

    #[test]
    fn tracks_find_their_velocity_by_id_and_picture() {
        let mut found = Detection3DArray::default();
        found.header.stamp.sec = 7;
        found.detections = vec![
            detection("3", (1.0, 1.0, 2.0)),
            detection("9", (4.0, 2.0, 1.0)),
            detection("x", (1.0, 1.0, 1.0)),
        ];
        let moving =
            |id: u32, v: f32| TrackVelocity { id, velocity: [v, 0.0, 0.0], ..TrackVelocity::default() };
        let mut tracks = Tracks::new();
        assert!(tracks.hear(&write_velocities(found.header.clone(), [moving(9, 2.0), moving(3, 1.0)])));
        let paired: Vec<Track> = tracks.pair(&found).collect();
        assert_eq!(paired.iter().map(|t| t.velocity.x).collect::<Vec<_>>(), [1.0, 2.0, 0.0]);
        assert_eq!((paired[0].radius, paired[0].half_height), (0.5, 1.0));
        assert!((paired[1].radius - 5.0_f64.sqrt()).abs() < 1e-12, "a car's corners count");
        found.header.stamp.sec = 8;
        assert!(tracks.pair(&found).all(|t| t.velocity == Vec3::ZERO), "of another picture");
        assert!(!tracks.hear(&cloud(3, 1, 0)));
    }
}
