//! Satellite navigation: the WGS 84 ellipsoid about the world's origin.

use nalgebra::{Point3, UnitQuaternion, Vector3};

use super::noise::{Noise, stream};
use super::spec::{Earth, NavSatSpec};
use crate::checkpoint::{Stateful, Tape};

/// Equatorial radius of WGS 84, metres.
const RADIUS: f64 = 6_378_137.0;
/// Flattening of WGS 84.
const FLATTENING: f64 = 1.0 / 298.257_223_563;

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NavSatReading {
    /// Degrees, north is positive.
    pub latitude_deg: f64,
    /// Degrees, east is positive, -180 to 180.
    pub longitude_deg: f64,
    /// Metres above the ellipsoid.
    pub altitude: f64,
    /// m/s, east north up.
    pub velocity: Vector3<f64>,
}

/// A tangential frame on the ellipsoid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Datum {
    origin: Vector3<f64>,
    /// Rows: east, north, up in the Earth-fixed frame.
    axes: [Vector3<f64>; 3],
    heading: f64,
}

fn earth_fixed(latitude: f64, longitude: f64, altitude: f64) -> Vector3<f64> {
    let e2 = FLATTENING * (2.0 - FLATTENING);
    let ((slat, clat), (slon, clon)) = (latitude.sin_cos(), longitude.sin_cos());
    let n = RADIUS / (1.0 - e2 * slat * slat).sqrt();
    Vector3::new(
        (n + altitude) * clat * clon,
        (n + altitude) * clat * slon,
        (n * (1.0 - e2) + altitude) * slat,
    )
}

impl Datum {
    /// The frame about the world's origin.
    pub fn new(earth: &Earth) -> Self {
        let (lat, lon) = (earth.latitude_deg.to_radians(), earth.longitude_deg.to_radians());
        let ((slat, clat), (slon, clon)) = (lat.sin_cos(), lon.sin_cos());
        Self {
            origin: earth_fixed(lat, lon, earth.elevation),
            axes: [
                Vector3::new(-slon, clon, 0.0),
                Vector3::new(-slat * clon, -slat * slon, clat),
                Vector3::new(clat * clon, clat * slon, slat),
            ],
            heading: earth.heading_deg.to_radians(),
        }
    }

    /// A world vector as east, north, up.
    pub fn to_enu(&self, v: &Vector3<f64>) -> Vector3<f64> {
        let (sin, cos) = self.heading.sin_cos();
        Vector3::new(cos * v.x - sin * v.y, sin * v.x + cos * v.y, v.z)
    }

    /// From the world's axes to east, north, up.
    pub fn turn(&self) -> UnitQuaternion<f64> {
        UnitQuaternion::from_axis_angle(&Vector3::z_axis(), self.heading)
    }

    /// The point of the world, metres, at that latitude and longitude (degrees) and altitude above the ellipsoid (metres).
    pub fn local(&self, latitude_deg: f64, longitude_deg: f64, altitude: f64) -> Vector3<f64> {
        let at = earth_fixed(latitude_deg.to_radians(), longitude_deg.to_radians(), altitude) - self.origin;
        let enu = Vector3::new(self.axes[0].dot(&at), self.axes[1].dot(&at), self.axes[2].dot(&at));
        self.turn().inverse() * enu
    }

    /// Latitude and longitude (degrees) and altitude (metres) of a point of the world.
    ///
    /// Source: Bowring, "Transformation from spatial to geographical coordinates", 1976; iterated to the last digit.
    pub fn geodetic(&self, p: &Point3<f64>) -> [f64; 3] {
        let enu = self.to_enu(&p.coords);
        let at = self.origin + self.axes[0] * enu.x + self.axes[1] * enu.y + self.axes[2] * enu.z;
        let e2 = FLATTENING * (2.0 - FLATTENING);
        let level = at.x.hypot(at.y);
        let mut latitude = at.z.atan2(level * (1.0 - e2));
        for _ in 0..6 {
            let s = latitude.sin();
            let n = RADIUS / (1.0 - e2 * s * s).sqrt();
            latitude = (at.z + e2 * n * s).atan2(level);
        }
        let (s, c) = latitude.sin_cos();
        let n = RADIUS / (1.0 - e2 * s * s).sqrt();
        // Well conditioned at the equator and at the poles alike.
        let altitude = level * c + at.z * s - RADIUS * RADIUS / n;
        [latitude.to_degrees(), at.y.atan2(at.x).to_degrees(), altitude]
    }
}

/// The receiver.
#[derive(Debug, Clone)]
pub struct NavSat {
    datum: Datum,
    noise: [Noise; 6],
}

impl NavSat {
    /// The receiver of a specification; `seed` and `id` choose its noise.
    pub fn new(spec: &NavSatSpec, earth: &Earth, seed: u64, id: u64) -> Self {
        let s = spec;
        let specs = [
            s.horizontal_position,
            s.horizontal_position,
            s.vertical_position,
            s.horizontal_velocity,
            s.horizontal_velocity,
            s.vertical_velocity,
        ];
        let mut part = 0;
        let noise = specs.map(|spec| {
            part += 1;
            Noise::new(spec, stream(seed, id, part))
        });
        Self { datum: Datum::new(earth), noise }
    }

    /// Deviations of horizontal and vertical position, metres.
    pub fn deviations(&self) -> [f64; 2] {
        [self.noise[0].spec().stddev, self.noise[2].spec().stddev]
    }

    /// Reading number `index` at a point of the world that moves at `velocity` (m/s, world), `dt` seconds after the last.
    pub fn read(&mut self, at: &Point3<f64>, velocity: &Vector3<f64>, index: i64, dt: f64) -> NavSatReading {
        let index = index as u64;
        let [x, y, z, u, v, w] = &mut self.noise;
        // Position noise is metres; it is laid on in the world, before the ellipsoid.
        let noisy = Point3::new(x.apply(at.x, index, dt), y.apply(at.y, index, dt), z.apply(at.z, index, dt));
        let [latitude_deg, longitude_deg, altitude] = self.datum.geodetic(&noisy);
        let enu = self.datum.to_enu(velocity);
        let velocity =
            Vector3::new(u.apply(enu.x, index, dt), v.apply(enu.y, index, dt), w.apply(enu.z, index, dt));
        NavSatReading { latitude_deg, longitude_deg, altitude, velocity }
    }
}

impl Stateful for NavSat {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.noise.iter_mut().for_each(|n| n.go_over(tape));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn earth() -> Earth {
        Earth { latitude_deg: 47.397971, longitude_deg: 8.546164, elevation: 488.0, ..Earth::default() }
    }

    #[test]
    fn the_origin_is_where_the_world_says() {
        let [lat, lon, alt] = Datum::new(&earth()).geodetic(&Point3::origin());
        assert!(
            (lat - 47.397971).abs() < 1e-12 && (lon - 8.546164).abs() < 1e-12 && (alt - 488.0).abs() < 1e-6
        );
    }

    /// The radii of curvature of the ellipsoid say how far a degree is.
    #[test]
    fn a_hundred_metres_are_the_right_part_of_a_degree() {
        let e2 = FLATTENING * (2.0 - FLATTENING);
        let s = earth().latitude_deg.to_radians().sin();
        let meridian = RADIUS * (1.0 - e2) / (1.0 - e2 * s * s).powf(1.5);
        let normal = RADIUS / (1.0 - e2 * s * s).sqrt();
        let datum = Datum::new(&earth());
        let [lat, lon, _] = datum.geodetic(&Point3::new(0.0, 100.0, 0.0));
        let north = (lat - earth().latitude_deg).to_radians() * (meridian + 488.0);
        assert!((north - 100.0).abs() < 1e-2 && (lon - earth().longitude_deg).abs() < 1e-12, "{north}");
        let [lat, lon, alt] = datum.geodetic(&Point3::new(100.0, 0.0, 20.0));
        let east = (lon - earth().longitude_deg).to_radians()
            * (normal + 508.0)
            * earth().latitude_deg.to_radians().cos();
        assert!((east - 100.0).abs() < 1e-2 && (lat - earth().latitude_deg).abs() < 1e-7, "{east}");
        assert!((alt - 508.0).abs() < 2e-3, "{alt}");
    }

    #[test]
    fn heading_turns_the_world_about_up() {
        let earth = Earth { heading_deg: 90.0, ..earth() };
        // The world's x axis looks north.
        let [lat, lon, _] = Datum::new(&earth).geodetic(&Point3::new(100.0, 0.0, 0.0));
        assert!(lat > earth.latitude_deg + 8e-4 && (lon - earth.longitude_deg).abs() < 1e-9);
        let datum = Datum::new(&earth);
        let v = Vector3::new(3.0, -1.0, 2.0);
        assert!((datum.turn() * v - datum.to_enu(&v)).norm() < 1e-12);
        let there = Vector3::new(1200.0, -340.0, 25.0);
        let [lat, lon, height] = datum.geodetic(&there.into());
        assert!((datum.local(lat, lon, height) - there).norm() < 1e-6);
    }
}
