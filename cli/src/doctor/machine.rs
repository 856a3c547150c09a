//! The machine itself: what the kernel says under /proc and /sys.

use std::path::Path;

use rustix::process::{Resource, getrlimit};

use super::{Finding, Level};

/// All of it.
pub(super) fn all() -> Vec<Finding> {
    let governors = governors(Path::new("/sys/devices/system/cpu"));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    vec![system(), cpu(cpus, &governors), priority(), runtime_dir(), time(), cameras(Path::new("/dev"))]
}

fn system() -> Finding {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let says = format!(
        "peregrine {} on {} {} ({})",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        read("/proc/sys/kernel/osrelease"),
        std::env::consts::ARCH
    );
    Finding::good("system", says)
}

/// The governor of each CPU that has one; none in most virtual machines.
fn governors(cpus: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(cpus).into_iter().flatten().flatten();
    let mut found: Vec<String> = entries
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("cpufreq/scaling_governor")).ok())
        .map(|text| text.trim().to_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}

fn cpu(cpus: usize, governors: &[String]) -> Finding {
    const WHAT: &str = "CPU";
    let says = format!(
        "{cpus} CPUs, governor {}",
        if governors.is_empty() { "not adjustable".into() } else { governors.join(", ") }
    );
    if governors.iter().any(|g| g == "powersave" || g == "conservative") {
        return Finding::new(
            Level::Warning,
            WHAT,
            says,
            "frames will be late while the clock speeds up: `sudo cpupower frequency-set -g performance` \
             (Jetson: `sudo nvpmodel -m 0 && sudo jetson_clocks`)",
        );
    }
    if cpus < 2 {
        return Finding::new(Level::Warning, WHAT, says, "one CPU has no room for a camera and a detector");
    }
    Finding::good(WHAT, says)
}

/// Lanes may ask for SCHED_FIFO.
fn priority() -> Finding {
    const WHAT: &str = "real time";
    let most = getrlimit(Resource::Rtprio).current.unwrap_or(u64::MAX);
    if rustix::process::geteuid().is_root() || most >= 1 {
        return Finding::good(WHAT, "lanes may have SCHED_FIFO priority");
    }
    Finding::new(
        Level::Note,
        WHAT,
        "this user may not use SCHED_FIFO: `peregrine.priority` of a node will not work",
        "add `@USER - rtprio 80` to /etc/security/limits.conf and log in again",
    )
}

fn runtime_dir() -> Finding {
    const WHAT: &str = "runtime folder";
    match std::env::var("XDG_RUNTIME_DIR").ok().filter(|dir| !dir.is_empty()) {
        None => Finding::new(
            Level::Note,
            WHAT,
            "XDG_RUNTIME_DIR is not set: the frame bus uses /tmp",
            "fine, if all processes run like this; a process that has it set looks elsewhere and finds nobody",
        ),
        Some(dir) => check_runtime_dir(WHAT, &dir),
    }
}

fn check_runtime_dir(what: &'static str, dir: &str) -> Finding {
    use std::os::unix::fs::MetadataExt;
    let bad = |why: String| {
        let remedy = "the frame bus uses /tmp instead; log in properly (pam_systemd makes it), or set XDG_RUNTIME_DIR \
                      to a folder of yours with mode 0700";
        Finding::new(Level::Warning, what, format!("XDG_RUNTIME_DIR={dir} {why}"), remedy)
    };
    let uid = rustix::process::geteuid().as_raw();
    match std::fs::symlink_metadata(dir) {
        Err(error) => bad(format!("cannot be used: {error}")),
        Ok(meta) if !meta.is_dir() => bad("is no folder".into()),
        Ok(meta) if meta.uid() != uid => bad(format!("belongs to user {}, not to {uid}", meta.uid())),
        Ok(_) => Finding::good(what, dir),
    }
}

/// A board without a battery wakes up in 1970, and stamps its frames so.
fn time() -> Finding {
    const WHAT: &str = "clock";
    const START_OF_2024: i64 = 1_704_067_200;
    let now = peregrine_core::Clock::System.now().0 / 1_000_000_000;
    if now < START_OF_2024 {
        return Finding::new(
            Level::Warning,
            WHAT,
            format!("the system's clock stands at {now} s after 1970"),
            "set it (timedatectl, chrony or GPS): stamps of other computers will not fit",
        );
    }
    Finding::good(WHAT, "set")
}

fn cameras(dev: &Path) -> Finding {
    const WHAT: &str = "cameras";
    let mut devices: Vec<_> = std::fs::read_dir(dev)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("video")))
        .collect();
    devices.sort();
    if devices.is_empty() {
        return Finding::new(
            Level::Note,
            WHAT,
            "no /dev/video* is there",
            "plug one in, or let the camera node read a file, a topic, or its pattern",
        );
    }
    let list = |paths: &[std::path::PathBuf]| {
        paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
    };
    let locked: Vec<_> = devices
        .iter()
        .filter(|path| {
            rustix::fs::access(*path, rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK).is_err()
        })
        .cloned()
        .collect();
    if locked.is_empty() {
        return Finding::good(WHAT, list(&devices));
    }
    Finding::new(
        Level::Warning,
        WHAT,
        format!("{} may not be opened by this user", list(&locked)),
        "`sudo usermod -aG video $USER`, and log in again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lazy_governor_is_warned_of() {
        let lazy = cpu(4, &["powersave".to_owned()]);
        assert!(lazy.level == Level::Warning && lazy.remedy.unwrap().contains("performance"));
        assert_eq!(cpu(4, &["performance".to_owned()]).level, Level::Good);
        assert_eq!(cpu(4, &[]).level, Level::Good);
        assert_eq!(cpu(1, &[]).level, Level::Warning);
    }

    #[test]
    fn governors_are_read_from_the_kernels_files() {
        let dir = tempfile::tempdir().unwrap();
        for (cpu, governor) in [("cpu0", "schedutil\n"), ("cpu1", "performance\n"), ("cpu2", "schedutil\n")] {
            std::fs::create_dir_all(dir.path().join(cpu).join("cpufreq")).unwrap();
            std::fs::write(dir.path().join(cpu).join("cpufreq/scaling_governor"), governor).unwrap();
        }
        std::fs::create_dir(dir.path().join("cpuidle")).unwrap();
        assert_eq!(governors(dir.path()), ["performance", "schedutil"]);
    }

    #[test]
    fn a_runtime_folder_that_is_none_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(check_runtime_dir("x", dir.path().to_str().unwrap()).level, Level::Good);
        let gone = check_runtime_dir("x", "/nonexistent/folder");
        assert!(gone.level == Level::Warning && gone.says.contains("cannot be used"), "{gone}");
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(check_runtime_dir("x", file.to_str().unwrap()).says.contains("no folder"));
    }

    #[test]
    fn cameras_are_listed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(cameras(dir.path()).level, Level::Note);
        std::fs::write(dir.path().join("video0"), "").unwrap();
        assert!(cameras(dir.path()).says.contains("video0"));
    }
}
