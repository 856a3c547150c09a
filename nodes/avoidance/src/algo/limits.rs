//! Limits of the flight that change while it goes on.

use super::config::Config;
use super::planner::Planner;
use crate::error::AvoidanceError;

impl Planner {
    /// From the next look on other limits of the flight hold: speeds, turn rates, altitudes, tolerance. What the vehicle, its
    /// sensors, the margins and the memory are made of stays as it was.
    ///
    /// # Errors
    /// What [`Config::check`] finds; the old ones stay then.
    pub fn set_limits(&mut self, limits: &Config) -> Result<(), AvoidanceError> {
        let config = Config {
            cruise_speed: limits.cruise_speed,
            max_speed: limits.max_speed,
            goal_tolerance: limits.goal_tolerance,
            area: limits.area,
            altitude_min: limits.altitude_min,
            altitude_max: limits.altitude_max,
            vertical_speed: limits.vertical_speed,
            max_yaw_rate: limits.max_yaw_rate,
            scan_rate: limits.scan_rate,
            ..self.config.clone()
        };
        config.check()?;
        self.guidance.set_area(config.area);
        self.config = config;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_change_and_the_rest_stays() {
        let mut planner = Planner::new(Config::default()).unwrap();
        let slower = Config { cruise_speed: 1.0, altitude_max: 4.0, body_radius: 2.0, ..Config::default() };
        planner.set_limits(&slower).unwrap();
        let now = planner.config().clone();
        assert_eq!((now.cruise_speed, now.altitude_max), (1.0, 4.0));
        assert_eq!(now.body_radius, Config::default().body_radius);
        let upside_down = Config { altitude_max: 0.1, altitude_min: 3.0, ..Config::default() };
        assert!(planner.set_limits(&upside_down).is_err());
        assert_eq!(*planner.config(), now, "all or nothing");
    }
}
