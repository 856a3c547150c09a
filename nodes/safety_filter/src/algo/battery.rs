//! The charge of a battery, as drivers tell it.

/// More than this is no share of charge, but percent.
const MOST: f64 = 1.05;

/// The share of charge of one battery. sensor_msgs/BatteryState asks for 0 to 1; drivers that tell 0 to 100 are common, and
/// by such a one an empty battery would be thought full.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Charge {
    share: Option<f64>,
    percent: bool,
}

impl Charge {
    /// Takes in what was told. True when it shows, for the first time, that percent are told.
    ///
    /// Who tells percent once tells percent for ever: 1 is then a hundredth.
    pub fn hear(&mut self, told: f64) -> bool {
        let first = !self.percent && told > MOST && told <= 100.0;
        self.percent |= first;
        let share = if self.percent { told / 100.0 } else { told };
        // NaN is "not measured", and so is what can be no charge.
        self.share = (0.0..=MOST).contains(&share).then_some(share);
        first
    }

    /// 0 to 1; `None` when it is not known.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_percent_are_told_apart() {
        let mut charge = Charge::default();
        assert!(!charge.hear(0.8) && charge.share() == Some(0.8));
        assert!(!charge.hear(f64::NAN) && charge.share().is_none());
        assert!(!charge.hear(-1.0) && charge.share().is_none());
        assert!(!charge.hear(1.0) && charge.share() == Some(1.0));
        assert!(charge.hear(64.0) && !charge.hear(63.0));
        assert!((charge.share().unwrap() - 0.63).abs() < 1e-12);
        assert!(!charge.hear(1.0) && charge.share() == Some(0.01), "one percent");
        assert!(!charge.hear(250.0) && charge.share().is_none());
    }
}
