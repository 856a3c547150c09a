//! How the machine is: temperatures, power, memory, read again and again on a thread of its own. Some sensors take milliseconds, and
//! no frame waits for them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::power::{PowerMeter, Rail};
use super::tegrastats::{Tegrastats, tegrastats};
use super::thermal::{Zone, zones};

/// Where the sensors lie.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    /// `/sys/class/thermal`
    pub thermal: PathBuf,
    /// `/sys/class/hwmon`
    pub hwmon: PathBuf,
    /// `/sys/class/powercap`
    pub powercap: PathBuf,
    /// The program `tegrastats` of a Jetson; one that is not there is left out.
    pub tegrastats: Option<PathBuf>,
    /// Zones whose names begin so, in whatever case, are not looked at.
    pub ignored: Vec<String>,
    /// How often they are read.
    pub period: Duration,
}

impl Default for MachineOptions {
    fn default() -> Self {
        Self {
            thermal: "/sys/class/thermal".into(),
            hwmon: "/sys/class/hwmon".into(),
            powercap: "/sys/class/powercap".into(),
            tegrastats: Some("tegrastats".into()),
            // A Jetson Nano, TX2 or Xavier says 100 C of its power chip, always.
            ignored: vec!["PMIC".into()],
            period: Duration::from_secs(1),
        }
    }
}

/// What was read last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineState {
    /// The hottest zone.
    pub zone: Option<Zone>,
    /// Of the zones that were read before and cannot be read now, the one that was hottest then, as it was then. (Those of a part that
    /// is switched off fall silent cool.)
    pub silent: Option<Zone>,
    /// Power, by rail.
    pub rails: Vec<Rail>,
    /// Memory of this process, MiB.
    pub memory_mb: Option<f64>,
    /// Load of a Jetson's graphics processor, percent.
    pub gpu_percent: Option<u32>,
}

/// The threads; they end with this.
#[derive(Debug)]
pub struct Machine {
    state: Arc<Mutex<MachineState>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    child: Option<Child>,
}

impl Machine {
    /// Reads at once and then every period. `None` when no thread can be had.
    pub fn start(options: MachineOptions) -> Option<Self> {
        let (state, stop) = (Arc::new(Mutex::new(MachineState::default())), Arc::new(AtomicBool::new(false)));
        let line = Arc::new(Mutex::new(None::<(Tegrastats, Instant)>));
        let mut threads = Vec::new();
        let mut child = options.tegrastats.as_ref().and_then(|program| {
            let mut command = Command::new(program);
            command.args(["--interval", &options.period.as_millis().max(100).to_string()]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()
        });
        if let Some(out) = child.as_mut().and_then(|child| child.stdout.take()) {
            let line = line.clone();
            let work = move || {
                for text in BufReader::new(out).lines().map_while(Result::ok) {
                    *lock(&line) = Some((tegrastats(&text), Instant::now()));
                }
            };
            // Not waited for at the end: where the program is a script, a child of it may hold the pipe for longer. Without the
            // thread there is no such reading.
            drop(std::thread::Builder::new().name("tegrastats".to_owned()).spawn(work));
        }
        let (own, ended, begun) = (state.clone(), stop.clone(), Instant::now());
        let work = move || {
            let mut meter = PowerMeter::new(&options.hwmon, &options.powercap);
            let mut memory = ZoneMemory::default();
            while !ended.load(Ordering::Acquire) {
                let now_ns = i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX);
                // A program that stands still says nothing of now.
                let fresh = |line: &(Tegrastats, Instant)| {
                    line.1.elapsed() < 5 * options.period + Duration::from_secs(1)
                };
                let tegra = lock(&line).clone().filter(fresh).map(|(seen, _)| seen).unwrap_or_default();
                let mut all = zones(&options.thermal);
                all.extend(tegra.zones);
                let mut rails = meter.read(now_ns);
                if rails.is_empty() {
                    rails = tegra.rails;
                }
                all.retain(|zone| !begins(&zone.name, &options.ignored));
                let silent = memory.silent(&all);
                let zone = all.into_iter().max_by(|a, b| a.celsius.total_cmp(&b.celsius));
                let (memory_mb, gpu_percent) = (memory_mb(), tegra.gpu_percent);
                let state = MachineState { zone, silent, rails, memory_mb, gpu_percent };
                *lock(&own) = state;
                std::thread::park_timeout(options.period);
            }
        };
        let sensors = std::thread::Builder::new().name("sensors".to_owned()).spawn(work).ok();
        let started = sensors.is_some();
        threads.extend(sensors);
        let machine = Self { state, stop, threads, child };
        started.then_some(machine)
    }

    /// What was read last.
    pub fn state(&self) -> MachineState {
        lock(&self.state).clone()
    }
}

fn begins(name: &str, with: &[String]) -> bool {
    let name = name.to_lowercase();
    with.iter().any(|start| !start.is_empty() && name.starts_with(&start.to_lowercase()))
}

/// Zones that were read, as they were last. More than any machine has are not remembered.
#[derive(Default)]
struct ZoneMemory(BTreeMap<String, f64>);

const MOST_ZONES: usize = 256;

impl ZoneMemory {
    /// Remembers those that were read now; the hottest of the others.
    fn silent(&mut self, now: &[Zone]) -> Option<Zone> {
        let read: BTreeSet<&str> = now.iter().map(|zone| zone.name.as_str()).collect();
        let silent = self.0.iter().filter(|(name, _)| !read.contains(name.as_str()));
        let hottest = silent.max_by(|a, b| a.1.total_cmp(b.1));
        let hottest = hottest.map(|(name, celsius)| Zone { name: name.clone(), celsius: *celsius });
        for name in read {
            let hottest =
                now.iter().filter(|zone| zone.name == name).map(|zone| zone.celsius).reduce(f64::max);
            let Some(celsius) = hottest else { continue };
            if let Some(known) = self.0.get_mut(name) {
                *known = celsius;
            } else if self.0.len() < MOST_ZONES {
                self.0.insert(name.to_owned(), celsius);
            }
        }
        hottest
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(mut child) = self.child.take() {
            // One that has ended needs no end.
            let _ = child.kill();
            let _ = child.wait();
        }
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // A thread that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

/// Memory of this process that lies in RAM, MiB.
pub fn memory_mb() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kib| kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_for(machine: &Machine, what: impl Fn(&MachineState) -> bool) -> MachineState {
        for _ in 0..2000 {
            let state = machine.state();
            if what(&state) {
                return state;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it is never read: {:?}", machine.state());
    }

    /// A Jetson Nano's line, and the same zone as Linux shows it on a TX2: the power chip says 100 C whatever it has.
    #[test]
    fn a_power_chip_that_always_says_a_hundred_is_not_the_hottest_zone() {
        let nano = "CPU [15%@921] GR3D_FREQ 0%@76 PLL@38C CPU@40.5C PMIC@100C GPU@38.5C AO@46C thermal@39.5C";
        let read = tegrastats(nano).zones;
        let hottest = |ignored: &[String]| {
            let left = read.iter().filter(|zone| !begins(&zone.name, ignored));
            left.max_by(|a, b| a.celsius.total_cmp(&b.celsius)).map(|zone| zone.name.as_str())
        };
        assert_eq!((hottest(&[]), hottest(&MachineOptions::default().ignored)), (Some("PMIC"), Some("AO")));
        assert_eq!(hottest(&["pmic".into(), "a".into(), String::new()]), Some("CPU"));

        let root = tempfile::tempdir().unwrap();
        for (zone, name, temp) in
            [("thermal_zone0", "PMIC-Die", "100000"), ("thermal_zone1", "MCPU-therm", "41000")]
        {
            std::fs::create_dir(root.path().join(zone)).unwrap();
            std::fs::write(root.path().join(zone).join("type"), name).unwrap();
            std::fs::write(root.path().join(zone).join("temp"), temp).unwrap();
        }
        let none = root.path().join("none");
        let options = MachineOptions {
            thermal: root.path().to_owned(),
            hwmon: none.clone(),
            powercap: none,
            tegrastats: None,
            ..MachineOptions::default()
        };
        let machine = Machine::start(options).unwrap();
        let state = wait_for(&machine, |state| state.zone.is_some());
        assert_eq!((state.zone.unwrap().celsius, state.silent), (41.0, None));
    }

    #[test]
    fn what_changes_is_read_again_and_a_fake_tegrastats_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("thermal_zone0/type", "cpu");
        write("thermal_zone0/temp", "61500");
        let program = root.path().join("tegrastats");
        let options = MachineOptions {
            thermal: root.path().to_owned(),
            hwmon: root.path().join("none"),
            powercap: root.path().join("none"),
            tegrastats: Some(program.clone()),
            period: Duration::from_millis(5),
            ..MachineOptions::default()
        };
        let machine = Machine::start(options.clone()).unwrap();
        let state = wait_for(&machine, |state| state.zone.is_some());
        assert_eq!(state.zone, Some(Zone { name: "cpu".into(), celsius: 61.5 }));
        assert!(state.memory_mb.unwrap() > 1.0 && state.gpu_percent.is_none() && state.rails.is_empty());
        write("thermal_zone0/temp", "90000");
        wait_for(&machine, |state| state.zone.as_ref().is_some_and(|zone| zone.celsius == 90.0));
        std::fs::remove_dir_all(root.path().join("thermal_zone0")).unwrap();
        let state = wait_for(&machine, |state| state.zone.is_none());
        assert_eq!(
            state.silent,
            Some(Zone { name: "cpu".into(), celsius: 90.0 }),
            "it was hot when it was heard last"
        );
        write("thermal_zone0/type", "cpu");
        write("thermal_zone0/temp", "50000");
        wait_for(&machine, |state| state.zone.is_some() && state.silent.is_none());
        std::fs::remove_dir_all(root.path().join("thermal_zone0")).unwrap();
        drop(machine);

        // A wrapper whose child lives on and holds the pipe: the end does not wait for it.
        write("tegrastats", "#!/bin/sh\nsleep 20 & echo 'GR3D_FREQ 9%@611'; wait\n");
        let executable = || {
            let made = std::process::Command::new("chmod").arg("755").arg(&program).status().unwrap();
            assert!(made.success());
        };
        executable();
        let machine = Machine::start(options.clone()).unwrap();
        wait_for(&machine, |state| state.gpu_percent == Some(9));
        let begun = Instant::now();
        drop(machine);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

        let script = "#!/bin/sh\nwhile :; do echo 'RAM 1/2MB GR3D_FREQ 7%@611 gpu@41.5C VDD_IN 8255mW/8100mW'; sleep 0.05; done\n";
        write("tegrastats", script);
        executable();
        let machine = Machine::start(options).unwrap();
        let state = wait_for(&machine, |state| state.gpu_percent == Some(7));
        assert_eq!((state.zone.unwrap().name.as_str(), state.rails[0].watts), ("gpu", 8.255));
        let child = machine.child.as_ref().unwrap().id();
        drop(machine);
        assert!(!std::path::Path::new(&format!("/proc/{child}")).exists(), "it ends with us");
    }
}
