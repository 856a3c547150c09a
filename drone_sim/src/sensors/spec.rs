//! What a sensor is, in the words and with the defaults of SDF's `<sensor>`.
//!
//! Plain data: the SDF loader fills it, [`super::suite`] builds working sensors from it. Lengths in metres, angles in
//! radians, rates in hertz of simulated time.

use nalgebra::{Isometry3, Vector3};
use peregrine_render::Camera;

use crate::error::Result;

/// One `<sensor>`.
#[derive(Debug, Clone, PartialEq)]
pub struct SensorSpec {
    /// Its name, unique in its link.
    pub name: String,
    /// `<topic>`; without one Gazebo's scoped name is used.
    pub topic: Option<String>,
    /// `<gz_frame_id>`: the frame its messages carry; the sensor's scoped name when absent.
    pub frame_id: Option<String>,
    /// `<update_rate>`; 0 means every physics step.
    pub update_rate: f64,
    /// Sensor frame (FLU: x forward) in the frame of its link.
    pub pose: Isometry3<f64>,
    /// What it measures.
    pub kind: SensorKind,
}

impl SensorSpec {
    /// A sensor of that kind at the link's origin, firing at every step.
    pub fn new(name: &str, kind: SensorKind) -> Self {
        Self {
            name: name.to_string(),
            topic: None,
            frame_id: None,
            update_rate: 0.0,
            pose: Isometry3::identity(),
            kind,
        }
    }
}

/// The kinds of sensor that are simulated, by the value of `<sensor type="...">`.
#[derive(Debug, Clone, PartialEq)]
pub enum SensorKind {
    /// `camera`.
    Camera(CameraSpec),
    /// `depth_camera`, `depth`: 32-bit floats.
    Depth(CameraSpec),
    /// `rgbd_camera`, `rgbd`: colour, depth and points.
    Rgbd(CameraSpec),
    /// `segmentation_camera`, `segmentation`.
    Segmentation(CameraSpec),
    /// `boundingbox_camera`, `boundingbox`.
    BoundingBox(CameraSpec),
    /// `gpu_lidar`, `lidar`, `gpu_ray`, `ray`.
    Lidar(LidarSpec),
    /// `imu`.
    Imu(ImuSpec),
    /// `navsat`, `gps`.
    NavSat(NavSatSpec),
    /// `air_pressure`.
    AirPressure(AirPressureSpec),
    /// `magnetometer`.
    Magnetometer([NoiseSpec; 3]),
    /// `altimeter`.
    Altimeter(AltimeterSpec),
    /// `contact`: touches of the named collision.
    Contact {
        /// `<contact><collision>`.
        collision: String,
    },
}

impl SensorKind {
    /// Its name in `<sensor type="...">`, the newer one of two.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Camera(_) => "camera",
            Self::Depth(_) => "depth_camera",
            Self::Rgbd(_) => "rgbd_camera",
            Self::Segmentation(_) => "segmentation_camera",
            Self::BoundingBox(_) => "boundingbox_camera",
            Self::Lidar(_) => "lidar",
            Self::Imu(_) => "imu",
            Self::NavSat(_) => "navsat",
            Self::AirPressure(_) => "air_pressure",
            Self::Magnetometer(_) => "magnetometer",
            Self::Altimeter(_) => "altimeter",
            Self::Contact { .. } => "contact",
        }
    }
}

/// `<noise type="gaussian">` or `gaussian_quantized`; all zeros is a perfect sensor.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct NoiseSpec {
    /// Mean of the white noise.
    pub mean: f64,
    /// Deviation of the white noise.
    pub stddev: f64,
    /// Mean of the constant bias, whose sign is drawn too.
    pub bias_mean: f64,
    /// Deviation of the constant bias.
    pub bias_stddev: f64,
    /// Deviation of the bias that walks (a Gauss-Markov process).
    pub dynamic_bias_stddev: f64,
    /// Correlation time of the walking bias, seconds; 0 for none.
    pub dynamic_bias_correlation_time: f64,
    /// Readings are rounded to multiples of it; 0 for none.
    pub precision: f64,
}

impl NoiseSpec {
    /// White noise alone.
    pub fn white(stddev: f64) -> Self {
        Self { stddev, ..Self::default() }
    }

    /// Whether readings pass unchanged.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The pixel formats of `<image><format>` that are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PixelFormat {
    /// R8G8B8, the default.
    #[default]
    Rgb8,
    /// B8G8R8.
    Bgr8,
    /// L8: luma after Rec. 601.
    L8,
}

impl PixelFormat {
    /// Bytes of one pixel.
    pub fn bytes(self) -> usize {
        if self == Self::L8 { 1 } else { 3 }
    }
}

/// The values of `<box_type>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BoxKind {
    /// `2d`, `visible_2d`: around what is seen.
    #[default]
    Visible,
    /// `full_2d`: around whole things, hidden parts too.
    Full,
    /// `3d`: turned boxes around whole things, in the camera's frame.
    Oriented,
}

/// `<distortion>`: the model of Brown and Conrady, as OpenCV's plumb_bob.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Distortion {
    /// Radial, k1 k2 k3.
    pub k: [f64; 3],
    /// Tangential, p1 p2.
    pub p: [f64; 2],
}

/// `<camera>`.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraSpec {
    /// Image width, pixels.
    pub width: u32,
    /// Image height, pixels.
    pub height: u32,
    /// `<horizontal_fov>`.
    pub hfov: f64,
    /// `<image><format>`.
    pub format: PixelFormat,
    /// `<clip><near>`, metres.
    pub near: f64,
    /// `<clip><far>`, metres.
    pub far: f64,
    /// `<lens><intrinsics>`: fx, fy, cx, cy in pixels, in place of `hfov`.
    pub intrinsics: Option<[f64; 4]>,
    /// Lens distortion.
    pub distortion: Distortion,
    /// Noise of each pixel's value; 1 is white for colours, metres for depth.
    pub noise: NoiseSpec,
    /// `<segmentation_type>` instance or panoptic: labels carry a count that tells instances apart. Segmentation alone.
    pub instances: bool,
    /// `<box_type>`. Bounding boxes alone.
    pub boxes: BoxKind,
    /// Not of SDF: exposure during which the camera moves, seconds; 0 for sharp pictures.
    pub exposure: f64,
    /// Not of SDF: time from the first row's exposure to the last one's, seconds; 0 for a global shutter.
    pub readout: f64,
}

impl Default for CameraSpec {
    fn default() -> Self {
        Self {
            width: 320,
            height: 240,
            hfov: 1.047,
            format: PixelFormat::Rgb8,
            near: 0.1,
            far: 100.0,
            intrinsics: None,
            distortion: Distortion::default(),
            noise: NoiseSpec::default(),
            instances: false,
            boxes: BoxKind::default(),
            exposure: 0.0,
            readout: 0.0,
        }
    }
}

impl CameraSpec {
    /// The pinhole camera of the specification, with the range of the render crate.
    ///
    /// # Errors
    /// Those of the render crate for sizes and angles out of range.
    pub fn pinhole(&self) -> Result<Camera> {
        let camera = Camera::from_hfov(self.width, self.height, self.hfov)?;
        Ok(match self.intrinsics {
            Some([fx, fy, cx, cy]) => Camera { fx, fy, cx, cy, ..camera },
            None => camera,
        })
    }
}

/// One axis of `<scan>`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScanAxis {
    /// Number of rays.
    pub samples: u32,
    /// Multiplies the number of readings; those between rays are interpolated by Gazebo, here they are rays too.
    pub resolution: f64,
    /// First angle.
    pub min_angle: f64,
    /// Last angle, included.
    pub max_angle: f64,
}

impl ScanAxis {
    /// How many readings; finite and few, for the loader refuses what is not.
    pub fn count(&self) -> usize {
        ((f64::from(self.samples) * self.resolution).round() as usize).max(1)
    }

    /// From one reading to the next.
    pub fn step(&self) -> f64 {
        let n = self.count();
        if n > 1 { (self.max_angle - self.min_angle) / (n - 1) as f64 } else { 0.0 }
    }

    /// The angle of reading `i`.
    pub fn angle(&self, i: usize) -> f64 {
        self.min_angle + self.step() * i as f64
    }
}

/// `<lidar>` or `<ray>`.
#[derive(Debug, Clone, PartialEq)]
pub struct LidarSpec {
    /// Around the sensor's z axis, counter-clockwise from x.
    pub horizontal: ScanAxis,
    /// Elevation, up is positive.
    pub vertical: ScanAxis,
    /// `<range><min>`, metres: nearer is -inf.
    pub min_range: f64,
    /// `<range><max>`, metres: farther is +inf.
    pub max_range: f64,
    /// `<range><resolution>`, metres.
    pub resolution: f64,
    /// Noise of the ranges, metres.
    pub noise: NoiseSpec,
}

impl Default for LidarSpec {
    fn default() -> Self {
        Self {
            horizontal: ScanAxis { samples: 640, resolution: 1.0, min_angle: 0.0, max_angle: 0.0 },
            vertical: ScanAxis { samples: 1, resolution: 1.0, min_angle: 0.0, max_angle: 0.0 },
            min_range: 0.0,
            max_range: 10.0,
            resolution: 0.0,
            noise: NoiseSpec::default(),
        }
    }
}

/// `<orientation_reference_frame><localization>`: against what an IMU tells its attitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrientationReference {
    /// Its own first attitude: Gazebo's way unless one of the others is asked for.
    #[default]
    Start,
    /// East, north, up.
    Enu,
    /// North, east, down.
    Ned,
    /// North, west, up.
    Nwu,
}

/// `<imu>`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ImuSpec {
    /// Against what it tells its attitude.
    pub reference: OrientationReference,
    /// `<angular_velocity>`, x y z, rad/s.
    pub angular_velocity: [NoiseSpec; 3],
    /// `<linear_acceleration>`, x y z, m/s2.
    pub linear_acceleration: [NoiseSpec; 3],
}

/// `<navsat>`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct NavSatSpec {
    /// Horizontal position, metres.
    pub horizontal_position: NoiseSpec,
    /// Vertical position, metres.
    pub vertical_position: NoiseSpec,
    /// Horizontal velocity, m/s.
    pub horizontal_velocity: NoiseSpec,
    /// Vertical velocity, m/s.
    pub vertical_velocity: NoiseSpec,
}

/// `<air_pressure>`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AirPressureSpec {
    /// `<reference_altitude>`: height of the world's origin above the sea, metres.
    pub reference_altitude: f64,
    /// Pascals.
    pub pressure: NoiseSpec,
}

/// `<altimeter>`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AltimeterSpec {
    /// Metres.
    pub vertical_position: NoiseSpec,
    /// m/s.
    pub vertical_velocity: NoiseSpec,
}

/// `<spherical_coordinates>` and `<magnetic_field>`: where on Earth the world's origin lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Earth {
    /// `<latitude_deg>`.
    pub latitude_deg: f64,
    /// `<longitude_deg>`.
    pub longitude_deg: f64,
    /// `<elevation>`, metres above the ellipsoid.
    pub elevation: f64,
    /// `<heading_deg>`: the world's x axis from east, counter-clockwise, degrees.
    pub heading_deg: f64,
    /// `<magnetic_field>`, tesla, world frame.
    pub magnetic_field: Vector3<f64>,
}

impl Default for Earth {
    fn default() -> Self {
        Self {
            latitude_deg: 0.0,
            longitude_deg: 0.0,
            elevation: 0.0,
            heading_deg: 0.0,
            magnetic_field: Vector3::new(5.5645e-6, 22.8758e-6, -42.3884e-6),
        }
    }
}
