//! What the runtime serves for every node, called from a node of the same process; and the clock that follows /clock.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

extern crate peregrine_core as peregrine;

use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::lifecycle_msgs::{ChangeState, ChangeStateRequest, Transition, TransitionEvent};
use peregrine_msgs::rcl_interfaces::{
    Parameter, ParameterEvent, ParameterType, ParameterValue, SetParametersAtomically,
    SetParametersAtomicallyRequest,
};
use peregrine_msgs::rosgraph_msgs;
use peregrine_msgs::std_msgs::Float64;

const REALTIME: Mode = Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false };

/// Parameters of the node that is talked to.
#[derive(Params, Debug, Clone)]
struct Config {
    /// Can be set.
    #[param(default = 1.0, range = 0.0..=10.0, live)]
    gain: f64,
    /// Can be set, but not above the gain.
    #[param(default = 0.5, live)]
    limit: f64,
    /// Cannot.
    #[param(default = "x")]
    name: String,
}

struct Worker {
    config: Config,
    out: Publisher<Float64>,
}

impl Node for Worker {
    const NAME: &'static str = "worker";
    type Params = Config;
    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        setup.timer(Duration::from_millis(5), |node: &mut Self, ctx| {
            node.out.send(ctx, Float64 { data: node.config.gain })
        })?;
        Ok(Self { config, out: setup.publish("gain", Qos::Reliable)? })
    }
    fn reconfigure(&mut self, ctx: &Context, config: Config) -> Result {
        if config.limit > config.gain {
            let reason = "the limit is above the gain".into();
            return Err(Error::NodeFailed { node: ctx.node_name().into(), reason });
        }
        self.config = config;
        Ok(())
    }
}

type Log = Arc<Mutex<Vec<String>>>;

/// Talks to the worker, one step after another.
struct Boss {
    log: Log,
    set: Client<SetParametersAtomically>,
    change: Client<ChangeState>,
    step: usize,
    gains: Vec<f64>,
}

fn double(name: &str, value: f64) -> Parameter {
    let value = ParameterValue {
        r#type: ParameterType::PARAMETER_DOUBLE,
        double_value: value,
        ..ParameterValue::default()
    };
    Parameter { name: name.into(), value }
}

impl Boss {
    fn next(&mut self, ctx: &Context) -> Result {
        self.step += 1;
        let set = |parameters| {
            self.set.call(ctx, SetParametersAtomicallyRequest { parameters });
        };
        match self.step {
            1 => set(vec![double("gain", 2.0), double("limit", 1.5)]),
            2 => set(vec![double("gain", 11.0)]),
            3 => set(vec![double("gain", 5.0), double("limit", 6.0)]),
            4 => set(vec![double("name", 1.0)]),
            5 => set(vec![double("gian", 1.0)]),
            6 => {
                let transition = Transition { id: Transition::TRANSITION_DEACTIVATE, label: String::new() };
                self.change.call(ctx, ChangeStateRequest { transition });
            }
            // Inactive nodes still answer.
            7 => {
                self.gains.clear();
                set(vec![double("gain", 3.0)]);
            }
            8 => {
                self.log.lock().unwrap().push(format!("gains while inactive: {:?}", self.gains));
                let transition = Transition { id: 0, label: "activate".into() };
                self.change.call(ctx, ChangeStateRequest { transition });
            }
            _ => {}
        }
        Ok(())
    }
}

impl Node for Boss {
    const NAME: &'static str = "boss";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let log = setup.extension::<Mutex<Vec<String>>>().unwrap();
        setup.subscribe("/parameter_events", Qos::Reliable, |node: &mut Self, _, e: &ParameterEvent| {
            let changed: Vec<_> =
                e.changed_parameters.iter().map(|p| format!("{}={}", p.name, p.value.double_value)).collect();
            node.log.lock().unwrap().push(format!("event of {}: {}", e.node, changed.join(" ")));
            Ok(())
        })?;
        setup.subscribe(
            "/worker/transition_event",
            Qos::Reliable,
            |node: &mut Self, _, e: &TransitionEvent| {
                let text = format!("{} -> {}", e.start_state.label, e.goal_state.label);
                node.log.lock().unwrap().push(text);
                Ok(())
            },
        )?;
        setup.subscribe("/gain", Qos::Reliable, |node: &mut Self, ctx, m: &Float64| {
            node.gains.push(m.data);
            // The last step: the worker works again.
            if node.step == 9 && m.data == 3.0 {
                ctx.shutdown("done");
            }
            Ok(())
        })?;
        let set = setup.client::<SetParametersAtomically>(
            "/worker/set_parameters_atomically",
            |node: &mut Self, ctx, _, outcome| {
                let result = &outcome.unwrap().result;
                let text = if result.successful { "set".into() } else { result.reason.clone() };
                node.log.lock().unwrap().push(text);
                node.next(ctx)
            },
        )?;
        let change =
            setup.client::<ChangeState>("/worker/change_state", |node: &mut Self, ctx, _, outcome| {
                node.log.lock().unwrap().push(format!("changed: {}", outcome.unwrap().success));
                node.next(ctx)
            })?;
        Ok(Self { log, set, change, step: 0, gains: Vec::new() })
    }
    fn activate(&mut self, ctx: &Context) -> Result {
        self.next(ctx)
    }
}

#[test]
fn parameters_are_set_and_nodes_are_paused_while_they_run() {
    let log = Log::default();
    let mut app = App::new(REALTIME);
    app.extend(log.clone());
    app.serve_ros().unwrap();
    app.add(NodeFactory::of::<Worker>(), NodeSpec::new("worker")).unwrap();
    // One lane: the steps come in order.
    let boss = NodeSpec::new("boss").with_param("peregrine.lane", ParamValue::String("/worker".into()));
    app.add(NodeFactory::of::<Boss>(), boss).unwrap();
    app.run().unwrap();
    let log = log.lock().unwrap();
    let has =
        |part: &str| assert!(log.iter().any(|line| line.contains(part)), "{part} is missing in {log:#?}");
    has("event of /worker: gain=2 limit=1.5");
    has("PG-0203: parameter 'gain' of node '/worker' is 11.0");
    has("the limit is above the gain");
    has("PG-0218: parameter 'name' of node '/worker' is read at start only");
    has("PG-0201: node '/worker' has no parameter 'gian': did you mean 'gain'?");
    has("active -> inactive");
    has("gains while inactive: []");
    has("event of /worker: gain=3");
    has("inactive -> active");
    assert_eq!(log.iter().filter(|line| *line == "set").count(), 2, "{log:#?}");
}

/// Publishes /clock as a transport does that has it from another process.
struct FarClock {
    clock: Publisher<rosgraph_msgs::Clock>,
    ticks: Arc<Mutex<Vec<String>>>,
}

impl Node for FarClock {
    const NAME: &'static str = "far_clock";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_secs(2), |node: &mut Self, ctx| {
            let mut ticks = node.ticks.lock().unwrap();
            ticks.push(format!("{}", ctx.now().as_secs_f64()));
            if ticks.len() == 2 {
                ctx.shutdown("two ticks");
            }
            Ok(())
        })?;
        let ticks = setup.extension::<Mutex<Vec<String>>>().unwrap();
        Ok(Self { clock: setup.publish("/clock", Qos::Sensor)?, ticks })
    }
    fn activate(&mut self, ctx: &Context) -> Result {
        let (ctx, clock) = (ctx.for_imports(), self.clock.clone());
        std::thread::spawn(move || {
            for second in 1..=100_i64 {
                let clock_msg = Time(second * 1_000_000_000).to_msg();
                clock.send(&ctx, rosgraph_msgs::Clock { clock: clock_msg }).unwrap();
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Ok(())
    }
}

#[test]
fn use_sim_time_follows_the_clock_topic() {
    let ticks = Log::default();
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: true });
    app.extend(ticks.clone());
    app.add(NodeFactory::of::<FarClock>(), NodeSpec::new("far_clock")).unwrap();
    let started = std::time::Instant::now();
    let report = app.run().unwrap();
    assert!(report.time >= Time(4_000_000_000), "{:?}", report.time);
    assert!(started.elapsed() < Duration::from_secs(4), "simulated seconds are not the wall's");
    assert_eq!(ticks.lock().unwrap().len(), 2);
}
