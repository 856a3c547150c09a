//! A line of NVIDIA's `tegrastats`, which every Jetson has: memory, load, clocks, temperatures and power where the usual folders of
//! Linux do not show them.
//!
//! Written after the forms that NVIDIA documents and users have posted (L4T 32 to 36: Nano, TX2, Xavier, Orin). **It has never read a
//! real Jetson**: none was at hand. What a line does not say, or says in an unknown form, is left out.

use super::{Rail, Zone};

/// A longer line is none.
const LONGEST: usize = 4096;

/// What a line says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tegrastats {
    /// Memory in use and in all, MiB.
    pub ram_mb: Option<(u32, u32)>,
    /// Load of the processors that are on, percent, and their clocks, MHz.
    pub cpus: Vec<(u32, Option<u32>)>,
    /// Load of the graphics processor, percent.
    pub gpu_percent: Option<u32>,
    /// Temperatures.
    pub zones: Vec<Zone>,
    /// Power now.
    pub rails: Vec<Rail>,
}

/// Reads a line. Never fails: a line of something else gives nothing.
pub fn tegrastats(line: &str) -> Tegrastats {
    let mut found = Tegrastats::default();
    if line.len() > LONGEST {
        return found;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    for (index, word) in words.iter().enumerate() {
        let next = words.get(index + 1).copied().unwrap_or_default();
        match *word {
            "RAM" => found.ram_mb = of(next, '/').and_then(|(used, all)| Some((whole(used)?, whole(all)?))),
            "CPU" => found.cpus = cpus(next),
            "GR3D_FREQ" | "GR3D" => found.gpu_percent = percent(next).map(|(load, _)| load),
            _ => {}
        }
        // `gpu@41.5C`; a zone that is off reads -256.
        if let Some((name, degrees)) = of(word, '@')
            && let Some(celsius) = degrees.strip_suffix('C').and_then(|text| text.parse::<f64>().ok())
            && (-60.0..=200.0).contains(&celsius)
            && !name.is_empty()
        {
            found.zones.push(Zone { name: name.to_owned(), celsius });
        }
        // `VDD_IN 4512mW/4480mW`, of older ones `POM_5V_IN 2500/2400`: now, and on average.
        let is_rail = word.contains('_')
            && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if is_rail
            && *word != "GR3D_FREQ"
            && let Some((now, _)) = of(next, '/')
            && let Some(milliwatts) = whole(now.strip_suffix("mW").unwrap_or(now))
        {
            found.rails.push(Rail { name: (*word).to_owned(), watts: f64::from(milliwatts) / 1e3 });
        }
    }
    found
}

fn of(word: &str, between: char) -> Option<(&str, &str)> {
    word.split_once(between)
}

/// The digits at the front.
fn whole(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// `23%@1420`, `23%@[1420]`, `23%`.
fn percent(text: &str) -> Option<(u32, Option<u32>)> {
    let (load, rest) = text.split_once('%')?;
    let load = load.parse().ok().filter(|load| *load <= 100)?;
    Some((load, rest.strip_prefix('@').and_then(|clock| whole(clock.trim_start_matches('[')))))
}

/// `[23%@1420,off,12%@1420]`.
fn cpus(text: &str) -> Vec<(u32, Option<u32>)> {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or_default();
    inner.split(',').filter_map(percent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of the forms of three generations, made up after NVIDIA's documentation.
    #[test]
    fn lines_of_three_generations_are_read() {
        let orin = "09-16-2026 10:00:01 RAM 2454/30697MB (lfb 4x4MB) SWAP 0/15348MB (cached 0MB) \
                    CPU [23%@1420,0%@1420,off,100%@2201] EMC_FREQ 0%@2133 GR3D_FREQ 57%@[611] VIC_FREQ 115 APE 174 \
                    cpu@46.5C soc2@43.656C soc0@42.437C gpu@41.5C tj@46.5C tboard@-256C \
                    VDD_GPU_SOC 2862mW/2862mW VDD_CPU_CV 954mW/954mW VIN_SYS_5V0 4439mW/4439mW VDD_IN 8255mW/8100mW";
        let seen = tegrastats(orin);
        assert_eq!(seen.ram_mb, Some((2454, 30697)));
        assert_eq!(seen.cpus, [(23, Some(1420)), (0, Some(1420)), (100, Some(2201))]);
        assert_eq!(seen.gpu_percent, Some(57));
        let zones: Vec<&str> = seen.zones.iter().map(|zone| zone.name.as_str()).collect();
        assert_eq!(zones, ["cpu", "soc2", "soc0", "gpu", "tj"], "one that is off is left out");
        assert_eq!(seen.rails.len(), 4);
        assert_eq!(crate::watch::total(&seen.rails), Some(8.255));
        let nano = "RAM 1203/3956MB (lfb 21x4MB) SWAP 0/1978MB (cached 0MB) IRAM 0/252kB(lfb 252kB) CPU [15%@921,off,off,8%@921] \
                    EMC_FREQ 4%@1600 GR3D_FREQ 0%@76 APE 25 PLL@38C CPU@40.5C PMIC@100C GPU@38.5C AO@46C thermal@39.5C \
                    POM_5V_IN 2516/2516 POM_5V_GPU 40/40 POM_5V_CPU 363/363";
        let seen = tegrastats(nano);
        assert_eq!((seen.ram_mb, seen.cpus.len(), seen.gpu_percent), (Some((1203, 3956)), 2, Some(0)));
        assert_eq!(crate::watch::total(&seen.rails), Some(2.516));
        let tx2 = "RAM 2000/7850MB (lfb 1x1MB) CPU [0%,off,off,3%] GR3D 99% MCPU@35C";
        let seen = tegrastats(tx2);
        assert_eq!((seen.cpus, seen.gpu_percent), (vec![(0, None), (3, None)], Some(99)));
    }

    #[test]
    fn anything_else_gives_nothing_and_does_not_panic() {
        for line in [
            "",
            "RAM",
            "RAM x/y CPU [ CPU [%] GR3D_FREQ 101% @C a@nanC b@1e9C X_Y /",
            "雪@3C CPU [雪%]",
            &"CPU ".repeat(3000),
        ] {
            let seen = tegrastats(line);
            assert!(
                seen.ram_mb.is_none() && seen.cpus.is_empty() && seen.gpu_percent.is_none(),
                "{line}: {seen:?}"
            );
        }
        assert_eq!(tegrastats("雪@3C").zones[0].name, "雪");
    }
}
