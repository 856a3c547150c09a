//! The one error type of this crate. Codes `PG-09xx` are stable: logs and documentation may quote them.

/// What went wrong while a scene was built or drawn. Each variant names cause, value and remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// A camera field is outside its range.
    #[error(
        "PG-0901: the camera's {field} is {value}, which is not {expected}; correct the camera's parameters"
    )]
    InvalidCamera {
        /// Name of the field.
        field: &'static str,
        /// The offending value.
        value: f64,
        /// The accepted range.
        expected: &'static str,
    },
    /// A pose holds NaN or infinity, or lies too far out.
    #[error(
        "PG-0902: the pose of {what} is not finite or beyond 1e7 m ({value}); check the state that produced it"
    )]
    InvalidPose {
        /// Whose pose.
        what: &'static str,
        /// Position as text.
        value: String,
    },
    /// An output buffer has the wrong number of elements.
    #[error(
        "PG-0903: the {target} target holds {got} elements, but {width}x{height} needs {expected}; size it as width * height{per_pixel}"
    )]
    TargetSize {
        /// rgb, depth or object.
        target: &'static str,
        /// Elements given.
        got: usize,
        /// Elements needed.
        expected: usize,
        /// Camera width in pixels.
        width: u32,
        /// Camera height in pixels.
        height: u32,
        /// " * 3" for RGB, else empty.
        per_pixel: &'static str,
    },
    /// A handle does not belong to this scene.
    #[error(
        "PG-0904: {kind} {index} does not exist in this scene, which has {count}; use handles returned by the same scene"
    )]
    UnknownHandle {
        /// mesh, material, texture or instance.
        kind: &'static str,
        /// The handle's index.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A mesh is malformed.
    #[error("PG-0905: the mesh is not usable: {reason}; repair or re-export it")]
    InvalidMesh {
        /// What is wrong, with the value.
        reason: String,
    },
    /// A texture is malformed.
    #[error(
        "PG-0906: a texture of {width}x{height} pixels with {bytes} bytes is not usable; give width * height * 4 bytes, each side 1 to 8192"
    )]
    InvalidTexture {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes given.
        bytes: usize,
    },
    /// `render` was called with no target at all.
    #[error(
        "PG-0907: no target was given, so there is nothing to draw; set at least one of rgb, depth, object"
    )]
    NoTarget,
    /// A worker thread could not be started.
    #[error("PG-0908: worker thread {index} could not be started ({reason}); ask for fewer threads")]
    ThreadSpawn {
        /// Which worker.
        index: usize,
        /// The system's reason.
        reason: String,
    },
    /// A worker thread panicked while drawing.
    #[error(
        "PG-0909: a worker thread panicked while drawing, the frame is incomplete; make a new Renderer and report this as a bug"
    )]
    WorkerPanicked,
    /// A number of a material, light, fog or setting is out of range.
    #[error("PG-0910: {field} is {value}, which is not {expected}; correct it")]
    InvalidParameter {
        /// Name of the field.
        field: &'static str,
        /// The offending value.
        value: f64,
        /// The accepted range.
        expected: &'static str,
    },
    /// A graphics processor was asked for, but this program does not know how to use one.
    #[error(
        "PG-0911: this program was built without the feature `gpu`, so it draws on the CPU only; ask for the renderer cpu, or build with `--features gpu`"
    )]
    GpuNotBuilt,
    /// No graphics processor can be used.
    #[error(
        "PG-0912: no graphics processor can be used through Vulkan ({reason}); install its driver (Debian: mesa-vulkan-drivers, which also holds lavapipe for machines without one) or ask for the renderer cpu"
    )]
    NoGpu {
        /// The loader's or driver's reason.
        reason: String,
    },
    /// The driver refused or lost something.
    #[error(
        "PG-0913: the graphics processor failed to draw: {reason}; update its driver or ask for the renderer cpu"
    )]
    GpuFailed {
        /// The driver's reason.
        reason: String,
    },
}

/// Result of this crate.
pub type Result<T = ()> = std::result::Result<T, RenderError>;
