//! Parameters: defaults, types, ranges, unknown keys; names and registries.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

extern crate peregrine_core as peregrine;

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamMap, ParamValue, Registry};
use peregrine_msgs::std_msgs::{Float64, UInt32};

#[derive(Params, Debug, PartialEq)]
struct Config {
    /// Lowest score that counts. Unitless, 0 to 1.
    #[param(default = 0.5, range = 0.0..=1.0)]
    min_score: f64,
    #[param(default = "rgb8")]
    encoding: String,
    #[param(default = [1.0, 2.0])]
    weights: Vec<f64>,
    #[param(default = ["a", "b"])]
    labels: Vec<String>,
    path: Option<String>,
    needed: u32,
    #[param(default = 3, name = "tracker.age")]
    age: usize,
}

fn read(pairs: &[(&str, ParamValue)]) -> Result<Config> {
    let map: ParamMap = pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    Config::from_map("/detector", "detector", &map)
}

#[test]
fn defaults_and_given_values() {
    let config = read(&[("needed", ParamValue::Integer(7)), ("min_score", ParamValue::Integer(1))]).unwrap();
    assert_eq!(
        config,
        Config {
            min_score: 1.0,
            encoding: "rgb8".into(),
            weights: vec![1.0, 2.0],
            labels: vec!["a".into(), "b".into()],
            path: None,
            needed: 7,
            age: 3,
        }
    );
    assert_eq!(Config::fields()[0].doc, "Lowest score that counts. Unitless, 0 to 1.");
    assert_eq!(Config::fields()[0].range, Some("0.0..=1.0"));
    assert_eq!(Config::fields()[6].name, "tracker.age");
    let default = |at: usize| Config::fields()[at].default.map(|make| make());
    assert_eq!(default(1), Some(Some(ParamValue::String("rgb8".into()))));
    assert_eq!(default(2), Some(Some(ParamValue::DoubleArray(vec![1.0, 2.0]))));
    assert_eq!(default(4), None);
}

#[test]
fn an_empty_list_is_an_array_of_any_type() {
    let nothing = ParamValue::StringArray(Vec::new());
    let config =
        read(&[("needed", ParamValue::Integer(7)), ("weights", nothing.clone()), ("labels", nothing)])
            .unwrap();
    assert!(config.weights.is_empty() && config.labels.is_empty());
}

#[test]
fn every_mistake_is_named() {
    let error = |pairs: &[(&str, ParamValue)]| read(pairs).unwrap_err().to_string();
    let seven = ("needed", ParamValue::Integer(7));
    let unknown = error(&[seven.clone(), ("min_scor", ParamValue::Double(0.3))]);
    assert!(unknown.contains("PG-0201") && unknown.contains("did you mean 'min_score'?"), "{unknown}");
    let range = error(&[seven.clone(), ("min_score", ParamValue::Double(1.5))]);
    assert!(range.contains("PG-0203") && range.contains("1.5") && range.contains("0.0..=1.0"), "{range}");
    let nan = error(&[seven.clone(), ("min_score", ParamValue::Double(f64::NAN))]);
    assert!(nan.contains("PG-0203"), "{nan}");
    let kind = error(&[seven, ("encoding", ParamValue::Integer(3))]);
    assert!(kind.contains("PG-0202") && kind.contains("the integer 3"), "{kind}");
    let word = error(&[("needed", ParamValue::Integer(7)), ("labels", ParamValue::String("a".into()))]);
    assert!(word.contains("it takes a string array; write it like [a, b]"), "{word}");
    let negative = error(&[("needed", ParamValue::Integer(-1))]);
    assert!(negative.contains("PG-0202"), "{negative}");
    assert!(error(&[]).contains("PG-0204"));
}

macro_rules! talker {
    ($name:ident, $kind:literal, $ty:ty) => {
        struct $name;
        impl Node for $name {
            const NAME: &'static str = $kind;
            type Params = ();
            fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
                let _: Publisher<$ty> = setup.publish("value", Qos::Reliable)?;
                Ok(Self)
            }
        }
    };
}
talker!(TalksFloat, "talks_float", Float64);
talker!(TalksInt, "talks_int", UInt32);
export_node!(TalksFloat);

#[test]
fn the_graph_refuses_contradictions() {
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.add(NodeFactory::of::<TalksFloat>(), NodeSpec::new("talks_float")).unwrap();
    let twice = app.add(NodeFactory::of::<TalksFloat>(), NodeSpec::new("talks_float")).unwrap_err();
    assert!(twice.to_string().contains("PG-0208"));
    let types = app.add(NodeFactory::of::<TalksInt>(), NodeSpec::new("talks_int")).unwrap_err();
    assert!(types.to_string().contains("PG-0206"), "{types}");
    let remapped = NodeSpec::new("talks_int").with_remap("value", "other").with_name("second");
    app.add(NodeFactory::of::<TalksInt>(), remapped).unwrap();
    let lane = NodeSpec::new("x").with_name("third").with_param("peregrine.lan", ParamValue::Integer(1));
    let reserved = app.add(NodeFactory::of::<TalksFloat>(), lane).unwrap_err();
    assert!(reserved.to_string().contains("peregrine.lane"), "{reserved}");
    assert!(app.run().unwrap_err().to_string().contains("PG-0210"));
}

#[test]
fn the_registry_finds_exported_nodes_and_suggests() {
    let registry = Registry::linked();
    assert_eq!(registry.find("talks_float").unwrap().kind, PEREGRINE_NODE.kind);
    let error = registry.find("talks_flaot").unwrap_err().to_string();
    assert!(error.contains("did you mean 'talks_float'?"), "{error}");
}
