//! Parameters that the runtime takes for itself, on every node.
//!
//! | name | type | meaning |
//! |---|---|---|
//! | `peregrine.lane` | text | the lane (thread) the node runs on; nodes of one lane call each other directly |
//! | `peregrine.sim_latency_ms` | number, 0 to 60000 | in simulated time, outputs appear this many milliseconds after the input |
//! | `peregrine.cpu` | whole number >= 0 | the CPU the lane runs on |
//! | `peregrine.priority` | whole number, 1 to 99 | SCHED_FIFO priority of the lane; the normal scheduler without it |

use serde_json::Value;

use crate::{
    error::{LaunchError, Result},
    nearest::hint,
};

/// The names of all reserved parameters.
pub const RESERVED_PARAMETERS: [&str; 4] =
    ["peregrine.lane", "peregrine.sim_latency_ms", "peregrine.cpu", "peregrine.priority"];

/// What a node's reserved parameters say; see the module's table.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Reserved {
    /// The lane's name.
    pub lane: Option<String>,
    /// Milliseconds of simulated time, 0 to 60000.
    pub sim_latency_ms: Option<f64>,
    /// A CPU's number, from 0.
    pub cpu: Option<u32>,
    /// SCHED_FIFO priority, 1 to 99.
    pub priority: Option<u8>,
}

impl Reserved {
    /// Picks the reserved ones out of `params` of the node called `node`.
    ///
    /// # Errors
    /// [`LaunchError::ReservedParameter`] for an unknown `peregrine.*` name, a wrong type or a value out of range.
    pub fn of(node: &str, params: &[(String, Value)]) -> Result<Self> {
        let mut found = Self::default();
        for (name, value) in params.iter().filter(|(name, _)| name.starts_with("peregrine.")) {
            let wrong = |expected: &str| LaunchError::ReservedParameter {
                node: node.to_owned(),
                name: name.clone(),
                reason: format!("is {value}, but must be {expected}"),
            };
            match name.as_str() {
                "peregrine.lane" => {
                    let lane = value.as_str().filter(|lane| !lane.is_empty());
                    found.lane = Some(lane.ok_or_else(|| wrong("a name"))?.to_owned());
                }
                "peregrine.sim_latency_ms" => {
                    let latency = value.as_f64().filter(|latency| (0.0..=60_000.0).contains(latency));
                    found.sim_latency_ms = Some(latency.ok_or_else(|| wrong("a number from 0 to 60000"))?);
                }
                "peregrine.cpu" => {
                    let cpu = value.as_i64().and_then(|cpu| u32::try_from(cpu).ok());
                    found.cpu = Some(cpu.ok_or_else(|| wrong("a CPU's number, from 0"))?);
                }
                "peregrine.priority" => {
                    let priority = value.as_i64().and_then(|priority| u8::try_from(priority).ok());
                    let priority = priority.filter(|priority| (1..=99).contains(priority));
                    found.priority = Some(priority.ok_or_else(|| wrong("a whole number from 1 to 99"))?);
                }
                _ => {
                    return Err(LaunchError::ReservedParameter {
                        node: node.to_owned(),
                        name: name.clone(),
                        reason: format!("does not exist{}", hint(name, &RESERVED_PARAMETERS)),
                    });
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_and_refuses() {
        let of = |name: &str, value: Value| Reserved::of("/n", &[(name.to_owned(), value)]);
        assert_eq!(of("peregrine.lane", json!("vision")).unwrap().lane.as_deref(), Some("vision"));
        assert_eq!(of("peregrine.cpu", json!(1)).unwrap().cpu, Some(1));
        assert_eq!(of("peregrine.sim_latency_ms", json!(30)).unwrap().sim_latency_ms, Some(30.0));
        assert_eq!(of("peregrine.priority", json!(99)).unwrap().priority, Some(99));
        assert!(of("peregrine.priority", json!(100)).unwrap_err().to_string().contains("1 to 99"));
        assert!(of("peregrine.sim_latency_ms", json!(-1.0)).is_err());
        assert!(of("peregrine.lane", json!(3)).is_err());
        assert!(of("peregrine.cpu", json!(-1)).is_err());
        let error = of("peregrine.lnae", json!("x")).unwrap_err().to_string();
        assert!(error.contains("did you mean 'peregrine.lane'"), "{error}");
    }
}
