//! Gets what the tests need, and tells them where it is.

use std::process::Command;

use super::peers;
use crate::{
    python::{COLCON, ROS, SIM, TESTS, onnxruntime, wheels},
    ros,
    shell::{Outcome, find_program, output, root, run},
};

/// What some test wants of Debian.
struct Debian {
    /// Its packages.
    packages: &'static str,
    /// By what it is known to be there already.
    probe: Probe,
    /// Which test is skipped without it.
    purpose: &'static str,
}

enum Probe {
    /// A program in `PATH`.
    Program(&'static str),
    /// A library that pkg-config finds.
    Library(&'static str),
    /// A driver for Vulkan.
    Vulkan,
    /// libclang, which reads the headers of ROS 2 and of Cyclone DDS.
    Clang,
}

const DEBIAN: [Debian; 7] = [
    Debian {
        packages: "chromium",
        probe: Probe::Program("chromium"),
        purpose: "the flight report is looked at in a browser",
    },
    Debian {
        packages: "age",
        probe: Probe::Program("age"),
        purpose: "sealed bags go to and come from the stock age program",
    },
    Debian {
        packages: "libsdformat-dev pkg-config g++",
        probe: Probe::Library("sdformat12"),
        purpose: "our reading of SDF is compared with libsdformat's",
    },
    Debian {
        packages: "ignition-transport-cli libignition-transport-dev libignition-msgs-dev pkg-config g++",
        probe: Probe::Library("ignition-transport11"),
        purpose: "our gz-transport talks with Gazebo's own tools and library",
    },
    Debian {
        packages: "mesa-vulkan-drivers",
        probe: Probe::Vulkan,
        purpose: "pictures are drawn by a graphics processor, or by lavapipe in its place",
    },
    Debian {
        packages: "cmake g++",
        probe: Probe::Program("cmake"),
        purpose: "peers are built from tests/peers: the bridge holds Cyclone DDS, which is C",
    },
    Debian {
        packages: "libclang-dev g++ libpython3.11",
        probe: Probe::Clang,
        purpose: "the DDS transport is built against the ROS 2 wheels, and the bridge of tests/peers",
    },
];

impl Debian {
    fn is_there(&self) -> bool {
        match self.probe {
            Probe::Program(name) => find_program(name).is_some(),
            Probe::Library(name) => {
                let mut command = Command::new("pkg-config");
                output(command.args(["--exists", name])).is_ok_and(|(found, _)| found)
            }
            Probe::Vulkan => ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
                .iter()
                .filter_map(|folder| std::fs::read_dir(folder).ok())
                .any(|mut files| files.next().is_some()),
            Probe::Clang => ros::libclang().is_some() && find_program("g++").is_some(),
        }
    }
}

/// What there is.
#[derive(Default)]
pub struct Provided {
    /// Variables for the tests.
    pub environment: Vec<(&'static str, String)>,
    /// Whether the data that is not in the repository lies beside it.
    pub has_shared: bool,
    /// What a person should know about what is missing.
    pub notes: Vec<String>,
}

/// Installs (unless `quick`) and looks.
pub fn provide(quick: bool) -> Outcome<Provided> {
    let mut provided = Provided::default();
    if !quick {
        TESTS.install()?;
        SIM.install()?;
        COLCON.install()?;
        if let Err(cause) = ROS.install() {
            provided.notes.push(format!("no live rclpy: {}", cause.trim()));
        }
        debian(&mut provided.notes)?;
        if let Err(cause) = peers::build() {
            provided.notes.push(format!("no hiroz and no bridge to DDS: {cause}"));
        }
        for distro in &ros::DISTROS {
            if let Err(cause) = distro.install() {
                provided.notes.push(format!("no DDS with {}: {}", distro.name, cause.trim()));
            }
        }
    }
    let environment = &mut provided.environment;
    if TESTS.is_ready() {
        set(environment, "PEREGRINE_TEST_PYTHON", TESTS.program("python").display().to_string());
        if let Some(library) = onnxruntime() {
            set(environment, "ORT_DYLIB_PATH", library.display().to_string());
        }
        if !quick {
            set(environment, "PEREGRINE_WHEELS", wheels()?.display().to_string());
        }
    }
    if SIM.is_ready() {
        set(environment, "PEREGRINE_SIM_PYTHON", SIM.program("python").display().to_string());
    }
    if let Some(folder) = peers::built() {
        set(environment, "PEREGRINE_PEERS", folder.display().to_string());
    }
    if COLCON.is_ready() {
        set(environment, "PEREGRINE_COLCON", COLCON.path().display().to_string());
    }
    if ROS.is_ready() {
        set(environment, "PEREGRINE_ROS_VENV", ROS.path().display().to_string());
    }
    let beside = root().parent().map(|parent| parent.join("shared")).filter(|folder| folder.is_dir());
    if let Some(folder) = beside {
        set(environment, "PEREGRINE_SHARED", folder.display().to_string());
    }
    let named =
        std::env::var_os("PEREGRINE_SHARED").is_some_and(|value| std::path::Path::new(&value).is_dir());
    provided.has_shared = named || provided.environment.iter().any(|(name, _)| *name == "PEREGRINE_SHARED");
    Ok(provided)
}

/// What the person has set by hand wins.
fn set(environment: &mut Vec<(&'static str, String)>, name: &'static str, value: String) {
    if std::env::var_os(name).is_none_or(|set| set.is_empty()) {
        environment.push((name, value));
    }
}

fn debian(notes: &mut Vec<String>) -> Outcome {
    let missing: Vec<&Debian> = DEBIAN.iter().filter(|wanted| !wanted.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|wanted| wanted.packages.split(' ')).collect();
    let is_root = output(Command::new("id").arg("-u")).is_ok_and(|(good, text)| good && text.trim() == "0");
    let installed = match find_program("apt-get") {
        Some(apt) if is_root => {
            let apt = |arguments: &[&str]| {
                let mut command = Command::new(&apt);
                run(command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
            };
            let install = ["install", "-qq", "--yes", "--no-install-recommends"];
            apt(&["update", "-qq"]).and_then(|()| apt(&[&install[..], &packages].concat()))
        }
        Some(_) => Err(format!("not root; `sudo apt-get install {}` gets it", packages.join(" "))),
        None => Err("this is not Debian".to_owned()),
    };
    if let Err(cause) = installed {
        for wanted in missing {
            notes.push(format!("no {} ({}): {cause}", wanted.packages, wanted.purpose));
        }
    }
    Ok(())
}
