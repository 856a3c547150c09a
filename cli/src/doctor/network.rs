//! Whom this process would meet.

use std::time::Duration;

use peregrine_zenoh::{Inspector, KeyForm, Link, LinkOptions};

use super::{Finding, Level};

/// The meeting point and the settings of ROS that matter here.
pub(super) fn all() -> Vec<Finding> {
    let mut findings = vec![meeting_point()];
    // A form that is not known was complained of above.
    let keys = KeyForm::from_env().unwrap_or_default();
    findings.extend(middleware(std::env::var("RMW_IMPLEMENTATION").ok().as_deref(), keys));
    findings
}

fn meeting_point() -> Finding {
    const WHAT: &str = "Zenoh";
    let options = match LinkOptions::from_env(false) {
        Ok(options) => options,
        Err(error) => {
            return Finding::new(Level::Bad, WHAT, error.to_string(), "unset ROS_DOMAIN_ID, or mend it");
        }
    };
    let place = match options.keys {
        KeyForm::Ros2Dds => format!("loopback port {}, keys of zenoh-bridge-ros2dds", options.port),
        _ => format!("loopback port {}, ROS domain {}", options.port, options.domain),
    };
    match Link::open(&options) {
        Ok(None) => Finding::new(
            Level::Note,
            WHAT,
            format!("nobody at {place}"),
            "fine if nothing runs: the first Peregrine process becomes the meeting point; ROS nodes need theirs, \
             `ros2 run rmw_zenoh_cpp rmw_zenohd`",
        ),
        Ok(Some(link)) => {
            let topics = Inspector::new(link.clone()).topics(Duration::from_millis(1500));
            link.close();
            match topics {
                Ok(topics) => Finding::good(WHAT, format!("{} topics at {place}", topics.len())),
                Err(error) => Finding::new(
                    Level::Bad,
                    WHAT,
                    format!("somebody listens at {place}, but: {error}"),
                    "something else may use the port: set PEREGRINE_ZENOH_PORT",
                ),
            }
        }
        Err(error) => Finding::new(
            Level::Bad,
            WHAT,
            format!("{error} ({place})"),
            "something else may use the port: set PEREGRINE_ZENOH_PORT",
        ),
    }
}

/// ROS nodes that speak DDS do not hear us, unless that is built in or a bridge is between.
fn middleware(chosen: Option<&str>, keys: KeyForm) -> Option<Finding> {
    const WHAT: &str = "ROS middleware";
    match chosen {
        None | Some("") => None,
        Some("rmw_zenoh_cpp") if keys == KeyForm::Ros2Dds => Some(Finding::new(
            Level::Warning,
            WHAT,
            "RMW_IMPLEMENTATION=rmw_zenoh_cpp, and PEREGRINE_ZENOH_KEYS=ros2dds: they exchange nothing",
            "unset PEREGRINE_ZENOH_KEYS",
        )),
        Some(other) if keys == KeyForm::Ros2Dds => {
            Some(Finding::good(WHAT, format!("{other}, through zenoh-bridge-ros2dds")))
        }
        Some("rmw_zenoh_cpp") => Some(Finding::good(WHAT, "rmw_zenoh_cpp")),
        Some(other) if cfg!(feature = "dds") => {
            Some(Finding::good(WHAT, format!("{other}, which Peregrine's nodes use too")))
        }
        Some(other) => Some(Finding::new(
            Level::Warning,
            WHAT,
            format!("RMW_IMPLEMENTATION={other}: ROS nodes started from this shell do not see Peregrine's"),
            "export RMW_IMPLEMENTATION=rmw_zenoh_cpp, or start zenoh-bridge-ros2dds and set PEREGRINE_ZENOH_KEYS=ros2dds",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dds_is_warned_of() {
        let level = |chosen, keys| middleware(chosen, keys).map(|finding| finding.level);
        assert_eq!(level(None, KeyForm::RmwZenoh), None);
        assert_eq!(level(Some("rmw_zenoh_cpp"), KeyForm::RmwZenoh), Some(Level::Good));
        let expected = if cfg!(feature = "dds") { Level::Good } else { Level::Warning };
        assert_eq!(level(Some("rmw_fastrtps_cpp"), KeyForm::RmwZenoh), Some(expected));
        assert_eq!(level(Some("rmw_fastrtps_cpp"), KeyForm::Ros2Dds), Some(Level::Good));
        assert_eq!(level(Some("rmw_zenoh_cpp"), KeyForm::Ros2Dds), Some(Level::Warning));
    }
}
