//! Temperatures as Linux shows them: `/sys/class/thermal/thermal_zone*/{type,temp}`, in thousandths of a degree. A Jetson's
//! zones (CPU, GPU, SoC) are among them.

use std::path::Path;

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
    }
}
