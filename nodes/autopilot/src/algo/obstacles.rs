//! A laser scan as OBSTACLE_DISTANCE: 72 sectors, clockwise from straight ahead, in centimetres.
//!
//! LaserScan turns the other way (counter-clockwise about up), starts anywhere, and says "nothing" with +inf. A sector
//! holds the nearest of its rays; with no ray, or with a ray that says nothing of its direction and none that hits, it is
//! unknown: unknown is never told as free.

use mavlink::dialects::common::{MavDistanceSensor, MavFrame, OBSTACLE_DISTANCE_DATA};

/// Sectors of the message.
pub const SECTORS: usize = 72;
/// Degrees of a sector.
const DEGREES: f32 = 5.0;
/// "Not known".
pub const UNKNOWN: u16 = u16::MAX;
/// The largest distance that leaves room for "nothing" and "unknown" above it, cm.
const LARGEST: u16 = u16::MAX - 2;

/// A scan in the body's axes: angles about up from forward, radians, counter-clockwise; ranges in metres.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// Angle of the first ray.
    pub angle_min: f32,
    /// From one ray to the next; may be negative.
    pub angle_increment: f32,
    /// Nearest range that is measured.
    pub range_min: f32,
    /// Farthest range that is measured.
    pub range_max: f32,
    /// One range for each ray: +inf is nothing within range_max, NaN and the rest are not valid.
    pub ranges: &'a [f32],
}

/// What a ray says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ray {
    Unknown,
    Clear,
    Hit(u16),
}

/// The message at `time_us`. `None` when the scan's own numbers make no sense.
#[must_use]
pub fn obstacle_distance(scan: &Scan<'_>, time_us: u64) -> Option<OBSTACLE_DISTANCE_DATA> {
    let sound = scan.angle_min.is_finite()
        && scan.angle_increment.is_finite()
        && scan.angle_increment != 0.0
        && scan.range_max.is_finite()
        && scan.range_min >= 0.0
        && scan.range_max > scan.range_min;
    if !sound {
        return None;
    }
    let max_distance = centimetres(scan.range_max).min(LARGEST);
    let mut sectors = [None::<Ray>; SECTORS];
    for (n, range) in scan.ranges.iter().enumerate() {
        let angle = f64::from(scan.angle_min) + f64::from(scan.angle_increment) * n as f64;
        let sector = &mut sectors[sector_of(angle)];
        *sector = Some(join(*sector, read(*range, scan, max_distance)));
    }
    let told = sectors.map(|sector| match sector {
        None | Some(Ray::Unknown) => UNKNOWN,
        Some(Ray::Clear) => max_distance + 1,
        Some(Ray::Hit(distance)) => distance,
    });
    Some(OBSTACLE_DISTANCE_DATA {
        time_usec: time_us,
        distances: told,
        min_distance: centimetres(scan.range_min),
        max_distance,
        increment: DEGREES as u8,
        increment_f: DEGREES,
        angle_offset: 0.0,
        frame: MavFrame::MAV_FRAME_BODY_FRD,
        sensor_type: MavDistanceSensor::MAV_DISTANCE_SENSOR_LASER,
    })
}

/// The sector of an angle about up: sector 0 is centred on straight ahead, and they go clockwise.
fn sector_of(angle: f64) -> usize {
    let clockwise = (-angle.to_degrees() / f64::from(DEGREES)).round();
    // rem_euclid of a finite number lies in 0..SECTORS.
    (clockwise.rem_euclid(SECTORS as f64)) as usize % SECTORS
}

fn read(range: f32, scan: &Scan<'_>, max_distance: u16) -> Ray {
    if range == f32::INFINITY || (range.is_finite() && range > scan.range_max) {
        Ray::Clear
    } else if range.is_finite() && range >= scan.range_min && range > 0.0 {
        // Rounded down: never told farther than it is.
        Ray::Hit(centimetres(range).min(max_distance))
    } else {
        Ray::Unknown
    }
}

/// The nearest hit; else unknown if anything is; else clear.
fn join(a: Option<Ray>, b: Ray) -> Ray {
    match (a, b) {
        (Some(Ray::Hit(a)), Ray::Hit(b)) => Ray::Hit(a.min(b)),
        (Some(Ray::Hit(a)), _) => Ray::Hit(a),
        (_, Ray::Hit(b)) => Ray::Hit(b),
        (Some(Ray::Unknown), _) | (_, Ray::Unknown) => Ray::Unknown,
        _ => Ray::Clear,
    }
}

fn centimetres(metres: f32) -> u16 {
    (f64::from(metres) * 100.0 + 1e-3).floor().clamp(0.0, f64::from(LARGEST)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole_turn(ranges: &[f32]) -> Scan<'_> {
        Scan {
            angle_min: -std::f32::consts::PI,
            angle_increment: std::f32::consts::TAU / ranges.len() as f32,
            range_min: 0.2,
            range_max: 12.0,
            ranges,
        }
    }

    #[test]
    fn what_is_left_in_the_scan_is_at_270_degrees_in_the_message() {
        let mut ranges = vec![f32::INFINITY; 72];
        // The ray n points to -180 + 5 n degrees about up: 90 is left, -90 right.
        ranges[54] = 2.0;
        ranges[18] = 3.0;
        ranges[36] = 4.0;
        ranges[0] = 5.0;
        let m = obstacle_distance(&whole_turn(&ranges), 1).unwrap();
        assert_eq!((m.distances[0], m.distances[18], m.distances[36], m.distances[54]), (400, 300, 500, 200));
        assert_eq!((m.max_distance, m.min_distance, m.increment), (1200, 20, 5));
        assert_eq!(m.distances.iter().filter(|d| **d == 1201).count(), 68);
        assert_eq!(m.frame, MavFrame::MAV_FRAME_BODY_FRD);
    }

    #[test]
    fn clockwise_is_clockwise() {
        let ranges: Vec<f32> = (0..72).map(|n| 1.0 + n as f32 * 0.1).collect();
        let m = obstacle_distance(&whole_turn(&ranges), 1).unwrap();
        // From straight ahead to the right the rays' numbers fall.
        assert!(m.distances[0] > m.distances[1] && m.distances[1] > m.distances[2]);
        let mut turned = whole_turn(&ranges);
        (turned.angle_min, turned.angle_increment) = (-turned.angle_min, -turned.angle_increment);
        let other = obstacle_distance(&turned, 1).unwrap();
        assert_eq!(m.distances[10], other.distances[62]);
    }

    #[test]
    fn unknown_is_never_told_as_free() {
        let narrow = Scan {
            angle_min: -0.5,
            angle_increment: 0.01,
            range_min: 0.2,
            range_max: 10.0,
            ranges: &[f32::INFINITY; 101],
        };
        let m = obstacle_distance(&narrow, 1).unwrap();
        assert_eq!((m.distances[0], m.distances[5], m.distances[67]), (1001, 1001, 1001));
        assert!(m.distances[7..66].iter().all(|d| *d == UNKNOWN), "behind the scan nothing is known");
        for bad in [f32::NAN, 0.0, -1.0, 0.1, f32::NEG_INFINITY] {
            let mut ranges = [f32::INFINITY; 101];
            ranges[50] = bad;
            let m = obstacle_distance(&Scan { ranges: &ranges, ..narrow }, 1).unwrap();
            assert_eq!(m.distances[0], UNKNOWN, "{bad}");
            ranges[51] = 3.0;
            let m = obstacle_distance(&Scan { ranges: &ranges, ..narrow }, 1).unwrap();
            assert_eq!(m.distances[0], 300);
        }
        let far = obstacle_distance(&Scan { ranges: &[11.0; 101], ..narrow }, 1).unwrap();
        assert_eq!(far.distances[0], 1001);
    }

    /// The ring of the safety filter: 72 bins counter-clockwise from ahead, NaN where nobody looked.
    #[test]
    fn what_a_ring_does_not_know_is_unknown() {
        let mut ranges = [f32::NAN; 72];
        let ring = |ranges: &[f32; 72]| {
            let scan = Scan {
                angle_min: 0.0,
                angle_increment: std::f32::consts::TAU / 72.0,
                range_min: 0.0,
                range_max: 12.0,
                ranges,
            };
            obstacle_distance(&scan, 1).unwrap()
        };
        assert!(ring(&ranges).distances.iter().all(|d| *d == UNKNOWN), "sensors are dead");
        // A camera of 85 degrees sees a pole on its left.
        ranges[..9].fill(f32::INFINITY);
        ranges[64..].fill(f32::INFINITY);
        ranges[8] = 3.0;
        let m = ring(&ranges);
        assert_eq!((m.distances[0], m.distances[8], m.distances[64]), (1201, 1201, 300));
        assert!(m.distances[9..64].iter().all(|d| *d == UNKNOWN), "{:?}", m.distances);
    }

    #[test]
    fn the_nearest_of_a_sector_counts_and_is_never_rounded_up() {
        let ranges = [5.0, 2.999, 7.0];
        let scan = Scan {
            angle_min: -0.02,
            angle_increment: 0.02,
            range_min: 0.2,
            range_max: 10.0,
            ranges: &ranges,
        };
        assert_eq!(obstacle_distance(&scan, 1).unwrap().distances[0], 299);
    }

    #[test]
    fn scans_that_make_no_sense_are_none() {
        let scan =
            Scan { angle_min: 0.0, angle_increment: 0.1, range_min: 0.1, range_max: 10.0, ranges: &[1.0] };
        assert!(obstacle_distance(&scan, 1).is_some());
        for bad in [
            Scan { angle_min: f32::NAN, ..scan },
            Scan { angle_increment: 0.0, ..scan },
            Scan { angle_increment: f32::INFINITY, ..scan },
            Scan { range_max: f32::INFINITY, ..scan },
            Scan { range_max: 0.05, ..scan },
            Scan { range_min: f32::NAN, ..scan },
        ] {
            assert!(obstacle_distance(&bad, 1).is_none(), "{bad:?}");
        }
        let huge = Scan { range_max: 1e9, angle_min: 1e30, angle_increment: 1e30, ..scan };
        assert_eq!(obstacle_distance(&huge, 1).unwrap().max_distance, LARGEST);
    }
}
