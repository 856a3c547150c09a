//! Parameters that the runtime takes for itself, on every node.
//!
//! | name | type | meaning |
//! |---|---|---|
//! | `peregrine.lane` | text | the lane (thread) the node runs on; nodes of one lane call each other directly |
//! | `peregrine.sim_latency_ms` | number >= 0 | in simulated time, outputs appear this many milliseconds after the input |
//! | `peregrine.cpu` | whole number or list, >= 0 | the CPUs the lane may run on |
//! | `peregrine.priority` | whole number, 0 to 99 | SCHED_FIFO priority of the lane; 0 leaves the normal scheduler |

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
    /// Milliseconds of simulated time, finite and not negative.
    pub sim_latency_ms: Option<f64>,
    /// CPU numbers from 0; empty for any.
    pub cpu: Vec<u32>,
    /// 1 to 99 for SCHED_FIFO, 0 for the normal scheduler.
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
                    let latency = value.as_f64().filter(|latency| *latency >= 0.0);
                    found.sim_latency_ms = Some(latency.ok_or_else(|| wrong("a number of at least 0"))?);
                }
                "peregrine.cpu" => {
                    let one = std::slice::from_ref(value);
                    let cpus = value.as_array().map_or(one, Vec::as_slice).iter();
                    let cpus: Option<Vec<u32>> = cpus.map(|cpu| u32::try_from(cpu.as_i64()?).ok()).collect();
                    found.cpu = cpus.ok_or_else(|| wrong("a CPU number of at least 0, or a list of them"))?;
                }
                "peregrine.priority" => {
                    let priority = value.as_i64().and_then(|priority| u8::try_from(priority).ok());
                    let priority = priority.filter(|priority| *priority <= 99);
                    found.priority = Some(priority.ok_or_else(|| wrong("a whole number from 0 to 99"))?);
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
        assert_eq!(of("peregrine.cpu", json!([2, 3])).unwrap().cpu, [2, 3]);
        assert_eq!(of("peregrine.cpu", json!(1)).unwrap().cpu, [1]);
        assert_eq!(of("peregrine.sim_latency_ms", json!(30)).unwrap().sim_latency_ms, Some(30.0));
        assert_eq!(of("peregrine.priority", json!(99)).unwrap().priority, Some(99));
        assert!(of("peregrine.priority", json!(100)).unwrap_err().to_string().contains("0 to 99"));
        assert!(of("peregrine.sim_latency_ms", json!(-1.0)).is_err());
        assert!(of("peregrine.lane", json!(3)).is_err());
        assert!(of("peregrine.cpu", json!([-1])).is_err());
        let error = of("peregrine.lnae", json!("x")).unwrap_err().to_string();
        assert!(error.contains("did you mean 'peregrine.lane'"), "{error}");
    }
}
