//! Services between nodes of one process: they repeat in lockstep, and every call comes to an end.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

extern crate peregrine_core as peregrine;

use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec};
use peregrine_msgs::std_msgs::UInt32;
use peregrine_msgs::std_srvs::{SetBool, SetBoolRequest, SetBoolResponse};

const REALTIME: Mode = Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false };

/// Answers; refuses to switch off.
struct Switch {
    asked: u32,
}

impl Node for Switch {
    const NAME: &'static str = "switch";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.service::<SetBool>("power", |node: &mut Self, ctx, request| {
            node.asked += 1;
            if !request.data {
                return Err(Error::NodeFailed { node: ctx.node_name().into(), reason: "never off".into() });
            }
            Ok(SetBoolResponse { success: true, message: format!("asked {} times", node.asked) })
        })?;
        Ok(Self { asked: 0 })
    }
}

type Answers = Arc<Mutex<Vec<(i64, String)>>>;

/// Asks at every tick, on and off in turn, and publishes how many answers have come.
struct Asker {
    power: Client<SetBool>,
    answers: Answers,
    count: Publisher<UInt32>,
}

impl Node for Asker {
    const NAME: &'static str = "asker";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(10), |node: &mut Self, ctx| {
            let sequence = node.power.call(ctx, SetBoolRequest { data: true });
            if sequence % 3 == 0 {
                node.power.call(ctx, SetBoolRequest { data: false });
            }
            Ok(())
        })?;
        let answers = setup.extension::<Mutex<Vec<(i64, String)>>>().unwrap();
        Ok(Self {
            power: setup.client::<SetBool>("power", Self::on_answer)?,
            answers,
            count: setup.publish("count", Qos::Reliable)?,
        })
    }
}

impl Asker {
    fn on_answer(
        &mut self,
        ctx: &Context,
        sequence: i64,
        outcome: std::result::Result<&SetBoolResponse, &CallError>,
    ) -> Result {
        let text = outcome.map_or_else(ToString::to_string, |response| response.message.clone());
        let mut answers = self.answers.lock().unwrap();
        answers.push((sequence, text));
        let data = answers.len() as u32;
        if data == 8 {
            ctx.shutdown("enough answers");
        }
        self.count.send(ctx, UInt32 { data })
    }
}

fn run(mode: Mode, kinds: &[NodeFactory]) -> (Vec<(i64, String)>, Option<String>) {
    let answers = Answers::default();
    let mut app = App::new(mode);
    app.extend(answers.clone()).log_topics(true);
    for (i, factory) in kinds.iter().enumerate() {
        app.add(*factory, NodeSpec::new(factory.kind).with_name(&format!("node{i}"))).unwrap();
    }
    let report = app.run().unwrap();
    let hidden = report.topics.iter().filter(|topic| topic.name != "/count").count();
    assert_eq!(hidden, 0, "what carries calls is no topic: {:?}", report.topics);
    let answers = answers.lock().unwrap().clone();
    (answers, report.topic_log_sha256)
}

#[test]
fn calls_repeat_in_lockstep_with_any_number_of_threads() {
    let nodes = [NodeFactory::of::<Asker>(), NodeFactory::of::<Switch>()];
    let (answers, hash) = run(Mode::Lockstep { threads: 1 }, &nodes);
    let expected = [
        (1, "asked 1 times"),
        (2, "asked 2 times"),
        (3, "asked 3 times"),
        (4, "PG-0221: the server of '/power' refused: /node1: never off"),
        (5, "asked 5 times"),
        (6, "asked 6 times"),
        (7, "PG-0221: the server of '/power' refused: /node1: never off"),
        (8, "asked 8 times"),
    ];
    assert_eq!(answers, expected.map(|(sequence, text)| (sequence, text.to_owned())));
    assert!(hash.is_some());
    for threads in [2, 4] {
        assert_eq!(run(Mode::Lockstep { threads }, &nodes), (answers.clone(), hash.clone()));
    }
}

#[test]
fn calls_are_answered_in_real_time() {
    let (answers, _) = run(REALTIME, &[NodeFactory::of::<Switch>(), NodeFactory::of::<Asker>()]);
    assert_eq!(answers[0], (1, "asked 1 times".to_owned()));
}

#[test]
fn without_a_server_the_client_is_told() {
    for mode in [Mode::Lockstep { threads: 1 }, REALTIME] {
        let (answers, _) = run(mode, &[NodeFactory::of::<Asker>()]);
        assert!(
            answers.iter().all(|(_, text)| text.contains("PG-0220: nobody serves '/power'")),
            "{answers:?}"
        );
    }
}

#[test]
fn two_servers_of_one_name_are_refused() {
    let mut app = App::new(REALTIME);
    app.add(NodeFactory::of::<Switch>(), NodeSpec::new("switch")).unwrap();
    let second = NodeSpec::new("switch").with_name("second");
    let error = app.add(NodeFactory::of::<Switch>(), second).unwrap_err().to_string();
    assert!(error.contains("PG-0217") && error.contains("'/switch' and '/second'"), "{error}");
}
