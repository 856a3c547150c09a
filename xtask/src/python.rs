//! Virtual environments for what comes from PyPI: pinned, cached by a stamp, never outside of `.venv`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::shell::{Outcome, output, root};

/// One virtual environment and what it holds.
pub struct Venv {
    /// Where, from the root.
    pub folder: &'static str,
    /// The pinned packages, a file of requirements in `xtask/requirements`.
    pub requirements: &'static str,
    /// The interpreters that will do, best first; the wheels decide.
    pub pythons: &'static [&'static str],
    /// The file lists all there is to be: nothing that a package asks for besides is installed.
    pub whole: bool,
}

/// What the tests need: ONNX Runtime and the readers of recordings.
pub const TESTS: Venv =
    Venv { folder: ".venv", requirements: "tests.txt", pythons: &["python3"], whole: false };
/// Simulators to compare ours with.
pub const SIM: Venv =
    Venv { folder: ".venv/sim", requirements: "sim.txt", pythons: &["python3"], whole: true };
/// rclpy of ROS 2 Jazzy; its wheels are for CPython 3.11 alone.
pub const ROS: Venv = Venv {
    folder: ".venv/ros-jazzy",
    requirements: "ros-jazzy.txt",
    pythons: &["python3.11", "python3"],
    whole: false,
};
/// The same of ROS 2 Kilted.
pub const ROS_KILTED: Venv = Venv {
    folder: ".venv/ros-kilted",
    requirements: "ros-kilted.txt",
    pythons: &["python3.11", "python3"],
    whole: false,
};
/// The peer of `peregrine-bench detect`.
pub const OPENCV: Venv =
    Venv { folder: ".venv/opencv", requirements: "opencv.txt", pythons: &["python3"], whole: false };
/// colcon, as a ROS 2 workspace is built with.
pub const COLCON: Venv =
    Venv { folder: ".venv/colcon", requirements: "colcon.txt", pythons: &["python3"], whole: false };
/// Tools of the lints.
pub const TOOLS: Venv =
    Venv { folder: ".venv/tools", requirements: "tools.txt", pythons: &["python3"], whole: false };

impl Venv {
    /// The folder.
    pub fn path(&self) -> PathBuf {
        root().join(self.folder)
    }

    /// A program of it.
    pub fn program(&self, name: &str) -> PathBuf {
        self.path().join("bin").join(name)
    }

    /// Whether it was installed to the end, with what the requirements say now.
    pub fn is_ready(&self) -> bool {
        let wanted = self.wanted().ok();
        wanted.is_some() && fs::read_to_string(self.stamp()).ok() == wanted && self.program("python").exists()
    }

    /// Makes it and installs the packages, unless that was done.
    pub fn install(&self) -> Outcome {
        if self.is_ready() {
            return Ok(());
        }
        let python = self.interpreter()?;
        println!("installing {} into {} (once)", self.requirements, self.folder);
        let _ = fs::remove_file(self.stamp());
        // Not --clear: the other environments lie inside of `.venv`.
        let (made, text) = output(Command::new(&python).args(["-m", "venv"]).arg(self.path()))?;
        if !made {
            return Err(format!(
                "`{python} -m venv {}` failed; on Debian and Ubuntu `apt-get install python3-venv` mends it:\n{text}",
                self.folder
            ));
        }
        let mut command = Command::new(self.program("python"));
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        command.arg(self.file()).args(self.whole.then_some("--no-deps"));
        let (installed, text) = output(&mut command)?;
        if !installed {
            return Err(format!(
                "pip could not install xtask/requirements/{} with {python}; the pinned versions want CPython 3.11 or \
                 newer and a registry that can be reached:\n{text}",
                self.requirements
            ));
        }
        fs::write(self.stamp(), self.wanted()?)
            .map_err(|error| format!("cannot write {}: {error}", self.stamp().display()))
    }

    fn is_ros(&self) -> bool {
        self.folder == ROS.folder || self.folder == ROS_KILTED.folder
    }

    fn stamp(&self) -> PathBuf {
        self.path().join(".peregrine-stamp")
    }

    fn file(&self) -> PathBuf {
        root().join("xtask/requirements").join(self.requirements)
    }

    /// What the requirements say now.
    pub fn wanted(&self) -> Outcome<String> {
        let file = self.file();
        fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))
    }

    /// The first interpreter that starts; for the ROS wheels it must be 3.11.
    fn interpreter(&self) -> Outcome<String> {
        for python in self.pythons {
            let code = "import sys; print('%d.%d' % sys.version_info[:2])";
            let Ok((true, version)) = output(Command::new(python).args(["-c", code])) else { continue };
            if !self.is_ros() || version.trim() == "3.11" {
                return Ok((*python).to_owned());
            }
        }
        Err(if self.is_ros() {
            "no Python 3.11 was found: the ROS 2 wheels are for CPython 3.11 alone".to_owned()
        } else {
            "no `python3` was found: install Python 3.11 or newer (Debian, Ubuntu: apt-get install python3 python3-venv), \
             or use `cargo xtask test --quick`, which skips what needs it"
                .to_owned()
        })
    }
}

/// The ONNX Runtime library in the tests' environment.
pub fn onnxruntime() -> Option<PathBuf> {
    let lib = TESTS.path().join("lib");
    let folders =
        fs::read_dir(lib).ok()?.flatten().map(|entry| entry.path().join("site-packages/onnxruntime/capi"));
    folders.flat_map(files).find(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("libonnxruntime.so.")
            || (name.starts_with("libonnxruntime.") && name.ends_with(".dylib"))
    })
}

/// A folder with the wheel of the pinned ONNX Runtime, as `peregrine setup` fetches it: the installation from a wheel is
/// tested with a real one.
pub fn wheels() -> Outcome<PathBuf> {
    let folder = TESTS.path().join("wheels");
    let pinned = TESTS.wanted()?;
    let package =
        pinned.lines().find(|line| line.starts_with("onnxruntime==")).unwrap_or("onnxruntime").trim();
    let stamp = folder.join(package);
    if !stamp.is_file() {
        let mut command = Command::new(TESTS.program("python"));
        command.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        let (fetched, text) =
            output(command.args(["--only-binary=:all:", "--dest"]).arg(&folder).arg(package))?;
        if !fetched {
            return Err(format!("pip could not fetch the wheel of {package}:\n{text}"));
        }
        fs::write(&stamp, "").map_err(|error| format!("cannot write {}: {error}", stamp.display()))?;
    }
    Ok(folder)
}

fn files(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}
