//! What can be wrong with the parameters, and how to put it right.

/// Errors of the avoidance node. Codes PG-07xx.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AvoidanceError {
    /// A number lies outside of what the planner can work with.
    #[error(
        "PG-0701 parameter `{name}` is {value}, but must be {expected}. Change it in the parameter file of the avoidance node."
    )]
    ParameterOutOfRange {
        /// Name of the parameter.
        name: &'static str,
        /// What it was set to.
        value: f64,
        /// What it may be, in words.
        expected: &'static str,
    },
    /// Two numbers contradict each other.
    #[error(
        "PG-0702 parameters `{low_name}` = {low} and `{high_name}` = {high} contradict each other: the first must be smaller. Swap or correct them in the parameter file of the avoidance node."
    )]
    ParametersContradict {
        /// The parameter that must be smaller.
        low_name: &'static str,
        /// Its value.
        low: f64,
        /// The parameter that must be larger.
        high_name: &'static str,
        /// Its value.
        high: f64,
    },
    /// A list has the wrong number of entries.
    #[error(
        "PG-0703 parameter `{name}` has {count} numbers, but needs {expected}. Give all of them in the parameter file of the avoidance node."
    )]
    ParameterLength {
        /// Name of the parameter.
        name: &'static str,
        /// How many numbers it has.
        count: usize,
        /// What it should hold, in words.
        expected: &'static str,
    },
    /// A class margin that is not `label=metres`.
    #[error(
        "PG-0704 class margin `{entry}` is not of the form label=metres with metres in 0..=5. Write for example `person=0.5`."
    )]
    ClassMargin {
        /// The entry as given.
        entry: String,
    },
    /// A choice by name that does not exist.
    #[error("PG-0705 parameter `{name}` is `{value}`, which is none of: {choices}. Use one of these.")]
    UnknownChoice {
        /// Name of the parameter.
        name: &'static str,
        /// What it was set to.
        value: String,
        /// What it may be.
        choices: &'static str,
    },
    /// A depth image that cannot be read as depth.
    #[error(
        "PG-0706 depth image {width}x{height} `{encoding}` with {bytes} bytes and {step} bytes a row cannot be read. Publish 32FC1 (metres) or 16UC1 (millimetres), at least 16x12, every row whole."
    )]
    DepthImage {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Bytes per row.
        step: usize,
        /// Bytes in all.
        bytes: usize,
        /// ROS name of the pixel encoding.
        encoding: String,
    },
    /// Intrinsics that do not describe a pinhole camera.
    #[error(
        "PG-0707 camera_info with fx={fx}, fy={fy}, cx={cx}, cy={cy} for {width}x{height} is not a pinhole camera. Publish a K matrix with positive focal lengths and the image's own size."
    )]
    Intrinsics {
        /// Focal length in x, pixels.
        fx: f64,
        /// Focal length in y, pixels.
        fy: f64,
        /// Principal point x, pixels.
        cx: f64,
        /// Principal point y, pixels.
        cy: f64,
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// No range sensor is used at all.
    #[error(
        "PG-0708 no range sensor is used, so nothing could ever be known to be free. Name at least one of depth, scan, points in `sensors` of the avoidance node."
    )]
    NoSensor,
    /// A point cloud without coordinates that can be read.
    #[error(
        "PG-0709 a cloud of {width}x{height} points with {step} bytes each, {bytes} in all, cannot be read. Publish x, y and z as little-endian FLOAT32 fields inside of every point."
    )]
    PointCloud {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes per point.
        step: u32,
        /// Bytes in all.
        bytes: usize,
    },
}
