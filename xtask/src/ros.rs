//! The ROS 2 of the wheels as something to build the DDS transport against.
//!
//! An installed ROS 2 is one folder whose setup file says where everything is. The wheels are the same files inside of a
//! virtual environment, without that file and without two things: what chooses the middleware, and the packages that are on
//! no registry. Both are made here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    python::{ROS, ROS_KILTED, Venv},
    shell::{Outcome, cargo, locked, output, root, scratch},
};

/// The crates with a feature that wants an installed ROS 2: the transport, and the command that starts nodes on it.
pub const PACKAGES: [&str; 2] = ["peregrine-dds", "peregrine"];

/// Message packages that the tests want and no wheel has.
const INTERFACES: [&str; 2] = ["vision_msgs", "tf2_msgs"];

/// A distribution that comes in wheels.
pub struct Distro {
    /// Its name.
    pub name: &'static str,
    /// The name under which `r2r_rcl` 0.9.7 builds it: it knows Kilted's headers, but not its name.
    known_as: &'static str,
    venv: &'static Venv,
    /// The feature that is built (`dds` is the command's own, of no other crate), and the programs that test it. The command
    /// is built once only.
    pub feature: &'static str,
    pub tests: &'static [&'static str],
}

/// Those that the DDS transport is tested with.
pub const DISTROS: [Distro; 2] = [
    Distro { name: "jazzy", known_as: "jazzy", venv: &ROS, feature: "dds", tests: &["dds_rclpy", "dds"] },
    Distro {
        name: "kilted",
        known_as: "rolling",
        venv: &ROS_KILTED,
        feature: "peregrine-dds/ros",
        tests: &["dds_rclpy"],
    },
];

impl Distro {
    /// Installs the wheels and makes the packages that they lack.
    pub fn install(&self) -> Outcome {
        self.venv.install()?;
        let (folder, wanted) = (self.interfaces()?, self.wanted()?);
        let stamp = folder.join("stamp");
        if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
            return Ok(());
        }
        println!("making {} for {} (once)", INTERFACES.join(" and "), self.name);
        // What is not there need not be removed.
        let _ = fs::remove_dir_all(&folder);
        let mut command = Command::new(self.venv.program("python"));
        command.arg(script()).arg(root().join("msgs/defs")).arg(&folder).args(INTERFACES);
        let (made, text) = output(command.env("AMENT_PREFIX_PATH", self.venv.path()))?;
        if !made {
            return Err(format!("the generators of {} failed (they want g++):\n{text}", self.name));
        }
        fs::write(&stamp, wanted).map_err(|error| format!("cannot write {}: {error}", stamp.display()))
    }

    /// What keeps the transport from being built against it here, if anything does.
    pub fn lack(&self) -> Option<String> {
        let made =
            || Some((fs::read_to_string(self.interfaces().ok()?.join("stamp")).ok()?, self.wanted().ok()?));
        if !self.venv.is_ready() {
            return Some(format!("{} holds no wheels of ROS 2 {}", self.venv.folder, self.name));
        }
        if made().is_none_or(|(made, wanted)| made != wanted) {
            return Some(format!("{} were not made for ROS 2 {}", INTERFACES.join(" and "), self.name));
        }
        libclang().is_none().then(|| "libclang is not installed".to_owned())
    }

    /// `cargo`, with the transport built against this distribution; the programs that it starts find the libraries too.
    /// All else is built as without: what is compiled is shared.
    pub fn cargo(&self, arguments: &[&str]) -> Outcome<Command> {
        let (venv, interfaces) = (self.venv.path(), self.interfaces()?);
        let lib = venv.join("lib");
        let chooser = scratch(&format!("ros/{}/link", self.name))?;
        // The wheels leave the choice of a middleware to Python; `rcl` alone wants this library.
        link(&lib.join("librmw_fastrtps_cpp.so"), &chooser.join("librmw_implementation.so"))?;
        let vendored = fs::read_dir(lib.join("python3.11/site-packages")).into_iter().flatten().flatten();
        let mut vendored: Vec<PathBuf> = vendored
            .map(|entry| entry.path())
            .filter(|path| path.to_string_lossy().ends_with(".libs"))
            .collect();
        vendored.sort();
        let libraries = [vec![chooser, interfaces.join("lib"), lib], vendored].concat();
        let mut command = cargo(arguments);
        command.args(locked()).args(["--features", self.feature]);
        command.env("ROS_DISTRO", self.known_as);
        command.env("AMENT_PREFIX_PATH", join(&[interfaces.clone(), venv.clone()])?);
        command.env("LIBRARY_PATH", join(&libraries[..3])?).env("LD_LIBRARY_PATH", join(&libraries)?);
        command.env("PYTHONPATH", interfaces.join("python")).env("PEREGRINE_ROS_VENV", venv);
        if let Some(folder) = libclang() {
            command.env("LIBCLANG_PATH", folder);
        }
        // Their libraries call Python without naming it, for they expect to be loaded by it.
        if let Some(python) = self.libpython() {
            let runner = format!("env LD_PRELOAD={}", python.display());
            command.env(format!("CARGO_TARGET_{}_RUNNER", host()?.to_uppercase().replace('-', "_")), runner);
        }
        Ok(command)
    }

    fn interfaces(&self) -> Outcome<PathBuf> {
        Ok(scratch("ros")?.join(self.name).join("interfaces"))
    }

    /// All that the packages are made of.
    fn wanted(&self) -> Outcome<String> {
        let mut text = self.venv.wanted()?;
        let defs = root().join("msgs/defs");
        let messages = INTERFACES.iter().flat_map(|package| fs::read_dir(defs.join(package).join("msg")));
        let mut files: Vec<PathBuf> = messages.flatten().flatten().map(|entry| entry.path()).collect();
        files.push(script());
        files.sort();
        for file in files {
            text += &fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        Ok(text)
    }

    /// The interpreter's library: its own, or Debian's.
    fn libpython(&self) -> Option<PathBuf> {
        let code =
            "import sysconfig as s; print(s.get_config_var('LIBDIR'), s.get_config_var('MULTIARCH') or '.')";
        let (_, text) = output(Command::new(self.venv.program("python")).args(["-c", code])).ok()?;
        let (folder, triple) = text.trim().split_once(' ')?;
        let folders =
            [PathBuf::from(folder), Path::new(folder).join(triple), Path::new("/usr/lib").join(triple)];
        folders.iter().map(|folder| folder.join("libpython3.11.so.1.0")).find(|file| file.is_file())
    }
}

fn script() -> PathBuf {
    root().join("core/dds/tests/interfaces/build.py")
}

/// The folder of a libclang, as `LIBCLANG_PATH` names it.
pub fn libclang() -> Option<PathBuf> {
    if let Some(set) = std::env::var_os("LIBCLANG_PATH").filter(|value| !value.is_empty()) {
        return Some(PathBuf::from(set));
    }
    let versions = fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = versions
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("llvm-")))
        .map(|path| path.join("lib"))
        .filter(|folder| folder.join("libclang.so").exists())
        .collect();
    folders.sort();
    folders.pop()
}

fn join(folders: &[PathBuf]) -> Outcome<std::ffi::OsString> {
    std::env::join_paths(folders).map_err(|error| error.to_string())
}

fn link(to: &Path, at: &Path) -> Outcome {
    if fs::read_link(at).is_ok_and(|there| there == to) {
        return Ok(());
    }
    let _ = fs::remove_file(at);
    std::os::unix::fs::symlink(to, at).map_err(|error| format!("cannot make {}: {error}", at.display()))
}

/// The triple that cargo builds for.
fn host() -> Outcome<String> {
    let (_, text) = output(Command::new("rustc").arg("-vV"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| "rustc does not say what it builds for".to_owned())
}
