//! How fast tracked things move, as a standard message.
//!
//! `vision_msgs` has no field for velocity. The tracks' velocities therefore travel beside `Detection3DArray` as a
//! `PointCloud2` with named fields, the way radar drivers publish theirs: same stamp, same frame, same order, same ids.

use crate::sensor_msgs::{PointCloud2, PointField};
use crate::std_msgs::Header;

/// Bytes of one point.
const STEP: usize = 44;
/// Fields and where they begin.
const FIELDS: [(&str, u32, u8); 11] = [
    ("x", 0, PointField::FLOAT32),
    ("y", 4, PointField::FLOAT32),
    ("z", 8, PointField::FLOAT32),
    ("vx", 12, PointField::FLOAT32),
    ("vy", 16, PointField::FLOAT32),
    ("vz", 20, PointField::FLOAT32),
    ("sx", 24, PointField::FLOAT32),
    ("sy", 28, PointField::FLOAT32),
    ("sz", 32, PointField::FLOAT32),
    ("id", 36, PointField::UINT32),
    ("age", 40, PointField::FLOAT32),
];

/// One tracked thing's motion, in the frame of the message's header.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TrackVelocity {
    /// The track's number; `Detection3D::id` is the same in decimal digits.
    pub id: u32,
    /// Centre, metres.
    pub position: [f32; 3],
    /// Velocity, metres per second.
    pub velocity: [f32; 3],
    /// Standard deviation of the velocity, metres per second.
    pub sigma: [f32; 3],
    /// Seconds since the thing was last seen; 0 when it was seen in this picture.
    pub age: f32,
}

/// The message for `tracks`, under `header`.
#[must_use]
pub fn write_velocities(header: Header, tracks: impl IntoIterator<Item = TrackVelocity>) -> PointCloud2 {
    let mut data = Vec::new();
    let mut width = 0_u32;
    for track in tracks {
        for value in track.position.iter().chain(&track.velocity).chain(&track.sigma) {
            data.extend_from_slice(&value.to_le_bytes());
        }
        data.extend_from_slice(&track.id.to_le_bytes());
        data.extend_from_slice(&track.age.to_le_bytes());
        width += 1;
    }
    let field = |(name, offset, datatype): &(&str, u32, u8)| PointField {
        name: (*name).into(),
        offset: *offset,
        datatype: *datatype,
        count: 1,
    };
    PointCloud2 {
        header,
        height: 1,
        width,
        fields: FIELDS.iter().map(field).collect(),
        is_bigendian: false,
        point_step: STEP as u32,
        row_step: STEP as u32 * width,
        data,
        is_dense: true,
    }
}

/// The tracks of a message that [`write_velocities`] or another writer of the same fields made; the fields may lie
/// anywhere and in any order. `None` when a field is missing, has another type, or lies outside of its point.
pub fn read_velocities(cloud: &PointCloud2) -> Option<impl Iterator<Item = TrackVelocity> + '_> {
    let step = cloud.point_step as usize;
    let mut at = [0_usize; FIELDS.len()];
    for (place, (name, _, datatype)) in at.iter_mut().zip(&FIELDS) {
        let field = cloud.fields.iter().find(|f| f.name == *name && f.datatype == *datatype)?;
        *place = field.offset as usize;
        if place.checked_add(4)? > step {
            return None;
        }
    }
    if cloud.is_bigendian || step == 0 {
        return None;
    }
    let points = (cloud.width as usize).saturating_mul(cloud.height as usize);
    Some(cloud.data.chunks_exact(step).take(points).map(move |point| {
        let word = |field: usize| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&point[at[field]..at[field] + 4]);
            bytes
        };
        let real = |field: usize| f32::from_le_bytes(word(field));
        let three = |first: usize| [real(first), real(first + 1), real(first + 2)];
        TrackVelocity {
            id: u32::from_le_bytes(word(9)),
            position: three(0),
            velocity: three(3),
            sigma: three(6),
            age: real(10),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> [TrackVelocity; 2] {
        let one = TrackVelocity {
            id: 7,
            position: [1.0, 2.0, 3.0],
            velocity: [0.5, -0.5, 0.0],
            sigma: [0.1, 0.2, 0.3],
            age: 0.25,
        };
        [one, TrackVelocity { id: u32::MAX, ..one }]
    }

    #[test]
    fn what_is_written_is_read() {
        let cloud = write_velocities(Header::default(), two());
        assert_eq!((cloud.width, cloud.height, cloud.row_step, cloud.data.len()), (2, 1, 88, 88));
        assert_eq!(read_velocities(&cloud).unwrap().collect::<Vec<_>>(), two());
        assert_eq!(read_velocities(&write_velocities(Header::default(), [])).unwrap().count(), 0);
    }

    #[test]
    fn clouds_of_another_kind_are_refused_and_short_ones_end_early() {
        let whole = write_velocities(Header::default(), two());
        let mut cut = whole.clone();
        cut.data.truncate(60);
        assert_eq!(read_velocities(&cut).unwrap().count(), 1);
        let spoil = |change: fn(&mut PointCloud2)| {
            let mut cloud = whole.clone();
            change(&mut cloud);
            read_velocities(&cloud).is_none()
        };
        assert!(spoil(|c| c.fields.truncate(5)));
        assert!(spoil(|c| c.fields[0].offset = 41));
        assert!(spoil(|c| c.fields[0].offset = u32::MAX));
        assert!(spoil(|c| c.fields[9].datatype = PointField::FLOAT32));
        assert!(spoil(|c| c.is_bigendian = true));
        assert!(spoil(|c| c.point_step = 0));
    }
}
