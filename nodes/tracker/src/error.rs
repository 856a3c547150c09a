//! What can be wrong with parameters and inputs, and how to put it right.

/// Errors of the tracker node. Codes PG-14xx.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrackerError {
    /// A number lies outside of what the tracker can work with.
    #[error(
        "PG-1401 parameter `{name}` is {value}, but must be {expected}. Change it in the parameter file of the tracker node."
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
        "PG-1402 parameters `{low_name}` = {low} and `{high_name}` = {high} contradict each other: the first must not be larger. Swap or correct them in the parameter file of the tracker node."
    )]
    ParametersContradict {
        /// The parameter that must not be larger.
        low_name: &'static str,
        /// Its value.
        low: f64,
        /// The other.
        high_name: &'static str,
        /// Its value.
        high: f64,
    },
    /// A pose that has not six numbers.
    #[error(
        "PG-1403 parameter `{name}` has {count} numbers, but needs six: x, y, z (m), roll, pitch, yaw (rad). Give all of them in the parameter file of the tracker node."
    )]
    PoseLength {
        /// Name of the parameter.
        name: &'static str,
        /// How many numbers it has.
        count: usize,
    },
    /// A margin that is not `name=metres`.
    #[error(
        "PG-1404 class margin `{entry}` is not of the form name=metres with metres in 0..=5. Write for example `person=0.4`."
    )]
    ClassMargin {
        /// The entry as given.
        entry: String,
    },
    /// A depth image that cannot be read as depth.
    #[error(
        "PG-1405 depth image {width}x{height} `{encoding}` with {bytes} bytes and {step} bytes a row cannot be read. Publish 32FC1 (metres) or 16UC1 (millimetres), every row whole."
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
        "PG-1406 camera_info with fx={fx}, fy={fy}, cx={cx}, cy={cy} for {width}x{height} is not a pinhole camera. Publish a K matrix with positive focal lengths and the image's own size."
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
        width: u32,
        /// Rows.
        height: u32,
    },
}
