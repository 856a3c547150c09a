//! Parameters of the stock nodes, set through the services that `ros2 param set` calls while the nodes work: each takes effect,
//! all at once or not at all, and nonsense is refused with the old values in force.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

extern crate peregrine_core as peregrine;

mod world;

use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::rcl_interfaces::{
    Parameter, ParameterType, ParameterValue, SetParametersAtomically, SetParametersAtomicallyRequest,
};
use world::{Seen, World, model};

/// One request, and what must be seen after it.
struct Step {
    node: usize,
    set: Vec<(&'static str, Value)>,
    /// A part of the refusal; nothing if it must be taken.
    refused: Option<&'static str>,
    then: fn(&Seen) -> bool,
    what: &'static str,
}

#[derive(Clone)]
enum Value {
    Number(f64),
    Text(&'static str),
}

const NODES: [&str; 5] = ["camera", "detector", "tracker", "safety_filter", "avoidance"];

fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    let mut step = |node: &str, set: &[(&'static str, f64)], refused, what, then: fn(&Seen) -> bool| {
        let node = NODES.iter().position(|name| *name == node).unwrap();
        let set = set.iter().map(|(name, value)| (*name, Value::Number(*value))).collect();
        steps.push(Step { node, set, refused, then, what });
    };
    let all = |s: &Seen| {
        s.boxes == Some(1)
            && s.tracks == Some(1)
            && s.safe > 2.0
            && s.planned > 0.5
            && s.rate > 2.0
            && s.threshold == 0.3
    };
    step("camera", &[("rate_hz", 10.0)], None, "everything works", all);
    step("camera", &[("rate_hz", 40.0)], None, "the camera is faster", |s| s.rate > 20.0);
    step("camera", &[("rate_hz", 4000.0)], Some("PG-0203"), "the camera stays", |s| s.rate > 20.0);
    step("camera", &[("width", 10.0)], Some("read at start only"), "the size stays", |s| s.rate > 20.0);
    step("detector", &[("min_score", 0.7)], None, "a score of 0.6 is too low", |s| {
        s.boxes == Some(0) && s.threshold == 0.7
    });
    step("detector", &[("min_score", 0.5)], None, "it is not", |s| s.boxes == Some(1) && s.tracks == Some(1));
    step("detector", &[("min_score", 1.5)], Some("PG-0203"), "the score stays", |s| {
        s.boxes == Some(1) && s.threshold == 0.5
    });
    let high = [("high_score", 0.9), ("low_score", 0.8), ("new_score", 0.9)];
    step("tracker", &high, None, "0.6 is no sure thing", |s| s.tracks == Some(0));
    // One of the three alone would contradict the others, and none is taken if one is wrong.
    step("tracker", &[("low_score", 0.95)], Some("PG-14"), "low above high is refused", |s| {
        s.tracks == Some(0)
    });
    step("tracker", &[("high_score", 0.5), ("low_score", 7.0)], Some("PG-0203"), "all or nothing", |s| {
        s.tracks == Some(0)
    });
    let usual = [("high_score", 0.5), ("low_score", 0.1), ("new_score", 0.5)];
    step("tracker", &usual, None, "tracks again", |s| s.tracks == Some(1));
    step("safety_filter", &[("max_speed_mps", 1.0)], None, "the filter lets 1 m/s through", |s| {
        s.safe <= 1.001 && s.safe > 0.5
    });
    step(
        "safety_filter",
        &[("max_speed_mps", 7.0), ("fresh_s", 1.5)],
        Some("PG-17"),
        "fresh above stale",
        |s| s.safe <= 1.001,
    );
    step("safety_filter", &[("max_speed_mps", 3.0)], None, "3 m/s", |s| s.safe > 2.0 && s.safe <= 3.001);
    step("avoidance", &[("cruise_mps", 0.2), ("max_speed_mps", 0.3)], None, "the planner creeps", |s| {
        s.planned <= 0.301
    });
    step(
        "avoidance",
        &[("max_speed_mps", 5.0), ("altitude_min_m", 9.0)],
        Some("PG-07"),
        "upside down",
        |s| s.planned <= 0.301,
    );
    step("avoidance", &[("cruise_mps", 4.0), ("max_speed_mps", 6.0)], None, "it flies", |s| s.planned > 0.5);
    step("avoidance", &[("deadline_ms", 0.001)], None, "nobody plans within a microsecond: stop", |s| {
        s.planned == 0.0 && s.late > 0
    });
    step("avoidance", &[("deadline_ms", 1000.0)], None, "a second is enough", |s| s.planned > 0.5);
    let margins = vec![("class_margins", Value::Text("person: lots"))];
    let refused = Some("PG-07");
    steps.push(Step {
        node: 4,
        set: margins,
        refused,
        then: |s| s.planned > 0.5,
        what: "margins that are none",
    });
    steps
}

fn parameter((name, value): &(&'static str, Value)) -> Parameter {
    let value = match value {
        Value::Number(number) if *name == "width" => ParameterValue {
            r#type: ParameterType::PARAMETER_INTEGER,
            integer_value: *number as i64,
            ..Default::default()
        },
        Value::Number(number) => ParameterValue {
            r#type: ParameterType::PARAMETER_DOUBLE,
            double_value: *number,
            ..Default::default()
        },
        Value::Text(text) => ParameterValue {
            r#type: ParameterType::PARAMETER_STRING_ARRAY,
            string_array_value: vec![(*text).to_owned()],
            ..Default::default()
        },
    };
    Parameter { name: (*name).to_owned(), value }
}

/// Asks for one step after another, each when the last one is seen.
struct Asker {
    seen: Arc<Mutex<Seen>>,
    log: Arc<Mutex<Vec<String>>>,
    clients: Vec<Client<SetParametersAtomically>>,
    steps: Vec<Step>,
    at: usize,
    /// Whether the answer to the step is here, and since when.
    answered: bool,
    since: Time,
}

/// A step that is not seen by then has failed, s. A vehicle that never moves, as this one, is taken through the ladder of recovery between its tries to fly.
const PATIENCE: f64 = 60.0;

impl Node for Asker {
    const NAME: &'static str = "asker";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let clients = NODES.map(|name| {
            setup.client::<SetParametersAtomically>(
                &format!("/{name}/set_parameters_atomically"),
                |node: &mut Self, _, _, outcome| {
                    node.answer(
                        outcome.map(|answer| answer.result.clone()).map_err(|error| error.to_string()),
                    );
                    Ok(())
                },
            )
        });
        setup.timer(Duration::from_millis(50), Self::look)?;
        let (seen, log) = (setup.extension().unwrap(), setup.extension().unwrap());
        let clients = clients.into_iter().collect::<Result<_>>()?;
        Ok(Self { seen, log, clients, steps: steps(), at: 0, answered: false, since: Time(0) })
    }

    fn activate(&mut self, ctx: &Context) -> Result {
        self.ask(ctx);
        Ok(())
    }
}

impl Asker {
    fn ask(&mut self, ctx: &Context) {
        let step = &self.steps[self.at];
        let parameters = step.set.iter().map(parameter).collect();
        self.clients[step.node].call(ctx, SetParametersAtomicallyRequest { parameters });
        (self.answered, self.since) = (false, ctx.now());
    }

    fn answer(
        &mut self,
        outcome: std::result::Result<peregrine_msgs::rcl_interfaces::SetParametersResult, String>,
    ) {
        let step = &self.steps[self.at];
        let good = match (&outcome, step.refused) {
            (Ok(result), None) => result.successful,
            (Ok(result), Some(words)) => !result.successful && result.reason.contains(words),
            (Err(_), _) => false,
        };
        if !good {
            self.log.lock().unwrap().push(format!("{}: {outcome:?}", step.what));
        }
        self.answered = true;
    }

    fn look(&mut self, ctx: &Context) -> Result {
        let waited = ctx.now().seconds_since(self.since);
        let step = &self.steps[self.at];
        // What was seen right after the answer was made before it.
        let seen = self.answered && waited > 0.4 && (step.then)(&self.seen.lock().unwrap());
        if !seen && waited < PATIENCE {
            return Ok(());
        }
        if !seen {
            self.log.lock().unwrap().push(format!(
                "not seen: {}; {:?}",
                step.what,
                self.seen.lock().unwrap()
            ));
        }
        self.at += 1;
        if !seen || self.at == self.steps.len() {
            ctx.shutdown("all steps taken");
            self.at = self.at.min(self.steps.len() - 1);
            return Ok(());
        }
        self.ask(ctx);
        Ok(())
    }
}

#[test]
fn parameters_of_every_stock_node_change_while_it_works() {
    let folder = std::env::temp_dir().join(format!("peregrine-live-{}", std::process::id()));
    let model = model(&folder, 0.6);
    let (seen, log) = (Arc::new(Mutex::new(Seen::default())), Arc::new(Mutex::new(Vec::<String>::new())));
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.serve_ros().unwrap();
    app.extend(seen);
    app.extend(log.clone());
    let text = |text: &str| ParamValue::String(text.to_owned());
    let camera = NodeSpec::new("camera")
        .with_param("source", text("pattern"))
        .with_param("width", ParamValue::Integer(160))
        .with_param("height", ParamValue::Integer(120))
        .with_param("rate_hz", ParamValue::Double(10.0));
    let detector = NodeSpec::new("detector")
        .with_param("model", text(&model.display().to_string()))
        .with_param("backend", text("tract"))
        .with_param("allow_unsigned", ParamValue::Bool(true));
    let mut filter = NodeSpec::new("safety_filter");
    filter.remaps.push(("cmd_vel".into(), "safe_vel".into()));
    app.add(NodeFactory::of::<peregrine_camera::Camera>(), camera).unwrap();
    app.add(NodeFactory::of::<peregrine_detector::DetectorNode>(), detector).unwrap();
    app.add(NodeFactory::of::<peregrine_tracker::TrackerNode>(), NodeSpec::new("tracker")).unwrap();
    app.add(NodeFactory::of::<peregrine_safety_filter::SafetyFilterNode>(), filter).unwrap();
    app.add(NodeFactory::of::<peregrine_avoidance::AvoidanceNode>(), NodeSpec::new("avoidance")).unwrap();
    app.add(NodeFactory::of::<World>(), NodeSpec::new("world")).unwrap();
    app.add(NodeFactory::of::<Asker>(), NodeSpec::new("asker")).unwrap();
    let outcome = app.run();
    let _ = std::fs::remove_dir_all(&folder);
    outcome.unwrap();
    let log = log.lock().unwrap();
    assert!(log.is_empty(), "{log:#?}");
}
