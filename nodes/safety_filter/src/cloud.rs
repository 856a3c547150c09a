//! The points of a lidar's message. It comes from strangers: nothing in it is believed unchecked.

use peregrine_msgs::sensor_msgs::{PointCloud2, PointField};

use crate::algo::ingest::{self, Dome};
use crate::algo::shell::Shell;
use crate::algo::vector::Turn;
use crate::error::FilterError;

/// The points of a cloud in the lidar's frame, metres; those that are not finite are left in.
///
/// # Errors
/// PG-1704 when x, y or z are missing, have another type or byte order, or lie outside of a point.
pub fn points(cloud: &PointCloud2) -> Result<impl Iterator<Item = [f32; 3]> + '_, FilterError> {
    let refused = || FilterError::Cloud {
        width: cloud.width,
        height: cloud.height,
        step: cloud.point_step,
        bytes: cloud.data.len(),
    };
    let step = cloud.point_step as usize;
    let offset = |name: &str| {
        let named = |f: &&PointField| f.name == name && f.datatype == PointField::FLOAT32;
        let at = cloud.fields.iter().find(named)?.offset as usize;
        (at.checked_add(4)? <= step).then_some(at)
    };
    let places = (offset("x"), offset("y"), offset("z"));
    let (Some(x), Some(y), Some(z)) = places else { return Err(refused()) };
    if cloud.is_bigendian {
        return Err(refused());
    }
    let (width, height) = (cloud.width as usize, cloud.height as usize);
    // Rows may be padded; of a single row the padding is nobody's business.
    let stride = if height > 1 { cloud.row_step as usize } else { cloud.data.len() };
    let rows = cloud.data.chunks(stride.max(1)).take(height);
    Ok(rows.flat_map(move |row| row.chunks_exact(step).take(width)).map(move |point| {
        [x, y, z].map(|at| point[at..].first_chunk::<4>().map_or(f32::NAN, |b| f32::from_le_bytes(*b)))
    }))
}

/// Feeds any cloud to the reader and to the shell; for fuzzing.
pub fn fuzz(cloud: &PointCloud2) {
    let Ok(points) = points(cloud) else { return };
    let mut shell = Shell::new(1.0);
    let dome = Dome { elevation: (-0.3, 0.3), silence_is_free: true };
    let worth = ingest::points(&mut shell, points, &dome, [0.0; 3], &Turn::NONE, 12.0);
    shell.end_unordered(0, [0.0; 3]);
    assert!((0.0..=1.0).contains(&worth.valid));
    assert!(shell.points(0).all(|p| p.iter().all(|v| v.is_finite())));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(pad: u32) -> PointCloud2 {
        let field = |name: &str, offset| PointField {
            name: name.into(),
            offset,
            datatype: PointField::FLOAT32,
            count: 1,
        };
        let mut data = Vec::new();
        for row in 0..2 {
            for column in 0..3 {
                for value in [9.0, row as f32, column as f32, -1.0] {
                    data.extend(value.to_le_bytes());
                }
            }
            data.extend(std::iter::repeat_n(0xff, pad as usize));
        }
        PointCloud2 {
            width: 3,
            height: 2,
            fields: vec![field("intensity", 0), field("x", 4), field("y", 8), field("z", 12)],
            point_step: 16,
            row_step: 48 + pad,
            data,
            ..Default::default()
        }
    }

    #[test]
    fn points_are_read_from_where_the_fields_are() {
        for pad in [0, 5] {
            let read: Vec<_> = points(&cloud(pad)).unwrap().collect();
            assert_eq!(read.len(), 6);
            assert_eq!((read[0], read[5]), ([0.0, 0.0, -1.0], [1.0, 2.0, -1.0]));
        }
        let short = PointCloud2 { data: vec![0; 40], ..cloud(0) };
        assert_eq!(points(&short).unwrap().count(), 2, "of what is missing nothing is made up");
    }

    #[test]
    fn what_is_no_cloud_of_points_is_refused_with_its_numbers() {
        let spoil = |change: fn(&mut PointCloud2)| {
            let mut spoilt = cloud(0);
            change(&mut spoilt);
            let told = points(&spoilt).map(|_| ()).unwrap_err().to_string();
            assert!(told.starts_with("PG-1704") && told.contains("3 x 2"), "{told}");
        };
        spoil(|c| c.is_bigendian = true);
        spoil(|c| c.fields[1].datatype = PointField::FLOAT64);
        spoil(|c| c.fields[3].offset = 13);
        spoil(|c| c.fields[3].offset = u32::MAX);
        spoil(|c| c.point_step = 0);
        spoil(|c| c.fields.clear());
        for change in [|c: &mut PointCloud2| c.row_step = 0, |c: &mut PointCloud2| c.width = u32::MAX] {
            let mut odd = cloud(0);
            change(&mut odd);
            fuzz(&odd);
        }
    }
}
