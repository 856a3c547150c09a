//! Temperatures as Linux shows them: `/sys/class/thermal/thermal_zone*/{type,temp}`, in thousandths of a degree. A Jetson's
//! zones (CPU, GPU, SoC) are among them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

/// One zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// Its type, e.g. `x86_pkg_temp` or `GPU-therm`.
    pub name: String,
    /// Degrees Celsius.
    pub celsius: f64,
}

/// Every zone below `root` (`/sys/class/thermal`) that gives a believable number, by name. None where there are none.
pub fn zones(root: &Path) -> Vec<Zone> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let mut zones: Vec<Zone> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("thermal_zone"))
        .filter_map(|entry| {
            let read = |file: &str| std::fs::read_to_string(entry.path().join(file)).ok();
            let celsius = read("temp")?.trim().parse::<f64>().ok()? / 1000.0;
            let name = read("type")?.trim().to_owned();
            // Zones that are switched off read as absolute zero or thousands of degrees.
            (-60.0..=200.0).contains(&celsius).then_some(Zone { name, celsius })
        })
        .collect();
    zones.sort_by(|a, b| a.name.cmp(&b.name).then(a.celsius.total_cmp(&b.celsius)));
    zones
}

/// The hottest of them, degrees Celsius.
pub fn hottest(root: &Path) -> Option<f64> {
    zones(root).into_iter().map(|zone| zone.celsius).max_by(f64::total_cmp)
}

/// Reads the zones again and again on a thread of its own: some sensors take milliseconds, and no frame waits for them.
/// The thread ends with this.
#[derive(Debug)]
pub struct Thermometer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// Of the hottest zone, thousandths of a degree Celsius; `NONE` while unknown.
    milli: AtomicI32,
    /// Its name.
    name: RwLock<String>,
    stop: AtomicBool,
}

const NONE: i32 = i32::MIN;

impl Thermometer {
    /// Reads `root` (`/sys/class/thermal`) at once and then every `period`. `None` when no thread can be had.
    pub fn start(root: PathBuf, period: Duration) -> Option<Self> {
        let shared = Arc::new(Shared {
            milli: AtomicI32::new(NONE),
            name: RwLock::new(String::new()),
            stop: AtomicBool::new(false),
        });
        let own = shared.clone();
        let work = move || {
            while !own.stop.load(Ordering::Acquire) {
                own.read(&root);
                std::thread::park_timeout(period);
            }
        };
        let thread = std::thread::Builder::new().name("thermometer".to_owned()).spawn(work).ok()?;
        Some(Self { shared, thread: Some(thread) })
    }

    /// The hottest zone when last read.
    pub fn hottest(&self) -> Option<Zone> {
        let milli = self.shared.milli.load(Ordering::Acquire);
        let name = || self.shared.name.read().unwrap_or_else(PoisonError::into_inner).clone();
        (milli != NONE).then(|| Zone { name: name(), celsius: f64::from(milli) / 1000.0 })
    }
}

impl Shared {
    fn read(&self, root: &Path) {
        let hottest = zones(root).into_iter().max_by(|a, b| a.celsius.total_cmp(&b.celsius));
        let milli = hottest.as_ref().map_or(NONE, |zone| (zone.celsius * 1000.0) as i32);
        *self.name.write().unwrap_or_else(PoisonError::into_inner) =
            hottest.map(|z| z.name).unwrap_or_default();
        self.milli.store(milli, Ordering::Release);
    }
}

impl Drop for Thermometer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A thread that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fake_zones_are_read_and_nonsense_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        let zone = |number: usize, name: &str, temp: &str| {
            let folder = root.path().join(format!("thermal_zone{number}"));
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("type"), format!("{name}\n")).unwrap();
            std::fs::write(folder.join("temp"), format!("{temp}\n")).unwrap();
        };
        zone(0, "cpu", "61500");
        zone(1, "gpu", "72250");
        zone(2, "off", "-273000");
        zone(3, "broken", "n/a");
        std::fs::create_dir(root.path().join("cooling_device0")).unwrap();
        assert_eq!(hottest(root.path()), Some(72.25));
        assert_eq!(zones(root.path()).len(), 2);
        assert_eq!(hottest(Path::new("/no/such/folder")), None);
        let thermometer = Thermometer::start(root.path().to_owned(), Duration::from_millis(5)).unwrap();
        let wait_for = |expected: Option<f64>| {
            for _ in 0..1000 {
                let hottest = thermometer.hottest();
                if hottest.as_ref().map(|zone| zone.celsius) == expected {
                    return hottest;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            panic!("{expected:?} is never read: {:?}", thermometer.hottest());
        };
        assert_eq!(wait_for(Some(72.25)).unwrap().name, "gpu");
        std::fs::write(root.path().join("thermal_zone0/temp"), "90000").unwrap();
        assert_eq!(wait_for(Some(90.0)).unwrap().name, "cpu");
        (0..2).for_each(|n| std::fs::remove_dir_all(root.path().join(format!("thermal_zone{n}"))).unwrap());
        wait_for(None);
    }
}
