//! Power as Linux shows it, where it shows any: `/sys/class/hwmon` (INA219, INA226, INA3221 of a Jetson or a flight board; watts of a
//! whole input, or volts times amperes of one), and `/sys/class/powercap` (RAPL of x86, joules that count up).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One rail or package.
#[derive(Clone, Debug, PartialEq)]
pub struct Rail {
    /// What it feeds, e.g. `VDD_GPU_SOC` or `package-0`.
    pub name: String,
    /// Watts.
    pub watts: f64,
}

/// More is a misreading.
const MOST_WATTS: f64 = 10_000.0;

/// Reads rails again and again: energy counters need two readings.
#[derive(Debug)]
pub struct PowerMeter {
    hwmon: PathBuf,
    powercap: PathBuf,
    /// Last counters of energy, microjoules, and when they were read, ns; by folder, for two may have one name.
    energy: BTreeMap<PathBuf, (u64, i64)>,
}

impl PowerMeter {
    /// Below these folders: `/sys/class/hwmon`, `/sys/class/powercap`.
    pub fn new(hwmon: &Path, powercap: &Path) -> Self {
        Self { hwmon: hwmon.to_owned(), powercap: powercap.to_owned(), energy: BTreeMap::new() }
    }

    /// All rails that can be read, by name; `now_ns` is any clock that does not run backwards. Counters give nothing the first time.
    pub fn read(&mut self, now_ns: i64) -> Vec<Rail> {
        let mut rails = hwmon(&self.hwmon);
        for (folder, name, joules, most) in counters(&self.powercap) {
            let last = self.energy.insert(folder, (joules, now_ns));
            let Some((before, at)) = last.filter(|(_, at)| *at < now_ns) else { continue };
            // Counters begin anew at their largest value.
            let used = if joules >= before { joules - before } else { joules + most.saturating_sub(before) };
            rails.push(Rail { name, watts: used as f64 * 1e3 / (now_ns - at) as f64 });
        }
        rails.retain(|rail| (0.0..=MOST_WATTS).contains(&rail.watts));
        rails.sort_by(|a, b| a.name.cmp(&b.name));
        rails
    }
}

/// What the whole machine draws, if that can be told: the rail that is its input (`VDD_IN`, `POM_5V_IN`, ...), else the sum of the
/// packages.
pub fn total(rails: &[Rail]) -> Option<f64> {
    let input = rails.iter().find(|rail| rail.name.ends_with("_IN") || rail.name.ends_with(" in"));
    input.map(|rail| rail.watts).or_else(|| {
        let packages = rails.iter().filter(|rail| rail.name.starts_with("package"));
        packages.map(|rail| rail.watts).reduce(|a, b| a + b)
    })
}

fn number(path: &Path) -> Option<f64> {
    std::fs::read_to_string(path).ok()?.trim().parse::<f64>().ok().filter(|value| value.is_finite())
}

fn word(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    all.sort();
    all
}

fn hwmon(root: &Path) -> Vec<Rail> {
    let mut rails = Vec::new();
    for folder in folders(root) {
        let device = word(&folder.join("name")).unwrap_or_else(|| "hwmon".to_owned());
        for channel in 1..=8 {
            let at = |what: &str| folder.join(what.replace('#', &channel.to_string()));
            let label =
                [at("in#_label"), at("power#_label"), at("curr#_label")].iter().find_map(|path| word(path));
            let name = label.unwrap_or_else(|| format!("{device} {channel}"));
            // Microwatts; else millivolts times milliamperes.
            let watts = number(&at("power#_input"))
                .map(|micro| micro / 1e6)
                .or_else(|| Some(number(&at("in#_input"))? * number(&at("curr#_input"))? / 1e6));
            rails.extend(watts.map(|watts| Rail { name, watts }));
        }
    }
    rails
}

/// Folder, name, microjoules so far, and where the counter begins anew.
fn counters(root: &Path) -> Vec<(PathBuf, String, u64, u64)> {
    let whole = |folder: &Path| {
        let read =
            |file: &str| number(&folder.join(file)).filter(|value| *value >= 0.0).map(|value| value as u64);
        Some((
            folder.to_owned(),
            word(&folder.join("name"))?,
            read("energy_uj")?,
            read("max_energy_range_uj").unwrap_or(u64::MAX),
        ))
    };
    // `intel-rapl:0` is a package, `intel-rapl:0:1` a part of it, and `intel-rapl-mmio:0` the same package by another register: these
    // would be counted twice.
    let package = |folder: &PathBuf| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        name.matches(':').count() == 1 && !name.contains("-mmio")
    };
    folders(root).iter().filter(|folder| package(folder)).filter_map(|folder| whole(folder)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (file, text) in files {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn fake_sensors_of_a_jetson_and_of_a_laptop_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (hwmon, powercap) = (folder.path().join("hwmon"), folder.path().join("powercap"));
        write(
            &hwmon,
            &[
                ("hwmon0/name", "ina3221"),
                ("hwmon0/in1_label", "VDD_IN"),
                ("hwmon0/in1_input", "19120"),
                ("hwmon0/curr1_input", "512"),
                ("hwmon0/in2_label", "VDD_CPU_GPU_CV"),
                ("hwmon0/in2_input", "19120"),
                ("hwmon0/curr2_input", "128"),
                ("hwmon0/in3_label", "VDD_SOC"),
                ("hwmon0/in3_input", "n/a"),
                ("hwmon0/curr3_input", "1"),
                ("hwmon1/name", "ina226"),
                ("hwmon1/power1_input", "7250000"),
                ("hwmon2/name", "broken"),
                ("hwmon2/power1_input", "-5"),
            ],
        );
        write(
            &powercap,
            &[
                ("intel-rapl:0/name", "package-0"),
                ("intel-rapl:0/energy_uj", "262143000000"),
                ("intel-rapl:0/max_energy_range_uj", "262143328850"),
                ("intel-rapl-mmio:0/name", "package-0"),
                ("intel-rapl-mmio:0/energy_uj", "77"),
                ("psu:0/name", "package-0"),
                ("psu:0/energy_uj", "1000000"),
                ("intel-rapl:0:0/name", "core"),
                ("intel-rapl:0:0/energy_uj", "5"),
            ],
        );
        let mut meter = PowerMeter::new(&hwmon, &powercap);
        let rails = meter.read(0);
        let names: Vec<&str> = rails.iter().map(|rail| rail.name.as_str()).collect();
        assert_eq!(names, ["VDD_CPU_GPU_CV", "VDD_IN", "ina226 1"]);
        assert!((total(&rails).unwrap() - 9.789).abs() < 1e-3);
        // The counter has begun anew: 328850 + 9671150 microjoules in half a second.
        write(&powercap, &[("intel-rapl:0/energy_uj", "9671150")]);
        let rails = meter.read(500_000_000);
        let packages: Vec<f64> = rails.iter().filter(|r| r.name == "package-0").map(|r| r.watts).collect();
        assert!(
            (packages[0] - 20.0).abs() < 1e-6 && packages[1..] == [0.0],
            "each by its own counter: {packages:?}"
        );
        assert!((total(&rails[2..]).unwrap() - 20.0).abs() < 1e-6, "without an input the packages count");
        assert!(!meter.read(500_000_000).iter().any(|rail| rail.name == "package-0"), "no time has passed");
        let mut none = PowerMeter::new(Path::new("/no/such"), Path::new("/no/such"));
        assert_eq!((none.read(1), total(&[])), (Vec::new(), None));
    }
}
