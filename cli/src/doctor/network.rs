//! Whom this process would meet.

use std::time::Duration;

use peregrine_zenoh::{Inspector, Link, LinkOptions};

use super::{Finding, Level};

/// The meeting point and the settings of ROS that matter here.
pub(super) fn all() -> Vec<Finding> {
    let mut findings = vec![meeting_point()];
    findings.extend(middleware(std::env::var("RMW_IMPLEMENTATION").ok().as_deref()));
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
    let place = format!("loopback port {}, ROS domain {}", options.port, options.domain);
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

/// ROS nodes that speak DDS do not hear us, unless that is built in.
fn middleware(chosen: Option<&str>) -> Option<Finding> {
    const WHAT: &str = "ROS middleware";
    match chosen {
        None | Some("") => None,
        Some("rmw_zenoh_cpp") => Some(Finding::good(WHAT, "rmw_zenoh_cpp")),
        Some(other) if cfg!(feature = "dds") => {
            Some(Finding::good(WHAT, format!("{other}, which Peregrine's nodes use too")))
        }
        Some(other) => Some(Finding::new(
            Level::Warning,
            WHAT,
            format!("RMW_IMPLEMENTATION={other}: ROS nodes started from this shell do not see Peregrine's"),
            "export RMW_IMPLEMENTATION=rmw_zenoh_cpp",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dds_is_warned_of() {
        assert_eq!(middleware(None), None);
        assert_eq!(middleware(Some("rmw_zenoh_cpp")).unwrap().level, Level::Good);
        let expected = if cfg!(feature = "dds") { Level::Good } else { Level::Warning };
        assert_eq!(middleware(Some("rmw_fastrtps_cpp")).unwrap().level, expected);
    }
}
