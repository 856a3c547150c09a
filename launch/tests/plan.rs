//! Launch files into plans: what they mean, and what is said about those that mean nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use peregrine_launch::{LaunchError, LaunchOptions, LaunchPlan, NodeKind, Output, Share, plan_text};
use serde_json::{Value, json};

fn plan_as(path: &str, text: &str, arguments: &[(&str, &str)]) -> Result<LaunchPlan, LaunchError> {
    let share = Share::embedded();
    let mut options = LaunchOptions::new(&share);
    options.environment.insert("HOME".into(), "/home/ada".into());
    for (name, value) in arguments {
        options = options.argument(name, value);
    }
    plan_text(path, text, &options)
}

fn xml(body: &str) -> Result<LaunchPlan, LaunchError> {
    plan_as("/robot/launch/t.launch.xml", &format!("<launch>{body}</launch>"), &[])
}

fn params(plan: &LaunchPlan, node: usize) -> Vec<(&str, Value)> {
    plan.nodes[node].params.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()
}

fn pairs(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(left, right)| (left.as_str(), right.as_str())).collect()
}

#[test]
fn a_node_with_everything() {
    let plan = xml(
        r#"<arg name="rate" default="30"/>
        <set_env name="GLOBAL" value="1"/>
        <set_remap from="clock" to="/sim/clock"/>
        <set_parameter name="use_sim_time" value="true"/>
        <push-ros-namespace namespace="fleet"/>
        <node pkg="peregrine" exec="camera" name="front" namespace="left" args="--fast 'two words'" output="both"
              respawn="true" respawn_delay="1.5" respawn_max_retries="3" launch-prefix="nice -n 5" on_exit="shutdown"
              cwd="$(dirname)" sigterm_timeout="2" sigkill_timeout="3" exec_name="cam" ros_args="--log-level debug">
          <param name="rate_hz" value="$(var rate)"/>
          <param name="text" value="30" type="str"/>
          <param name="gain" value="2" type="float"/>
          <param name="roi" value="[1, 2, 3, 4]"/>
          <param name="k" value="1;2.5" value-sep=";"/>
          <param name="names" value="['a', 'b c']"/>
          <param name="quoted" value="'7'"/>
          <param name="exposure"><param name="auto" value="no"/><param name="ms" value="4.0"/></param>
          <param name="rate_hz" value="$(eval '$(var rate) / 2')"/>
          <remap from="image" to="image_raw"/>
          <env name="CAM" value="$(env HOME)/c"/>
        </node>"#,
    )
    .unwrap();
    let node = &plan.nodes[0];
    assert_eq!(node.kind, NodeKind::Executable { package: "peregrine".into(), executable: "camera".into() });
    assert_eq!(node.full_name(), "/fleet/left/front");
    assert_eq!(
        params(&plan, 0),
        [
            ("use_sim_time", json!(true)),
            ("rate_hz", json!(15.0)),
            ("text", json!("30")),
            ("gain", json!(2.0)),
            ("roi", json!([1, 2, 3, 4])),
            ("k", json!([1.0, 2.5])),
            ("names", json!(["a", "b c"])),
            ("quoted", json!("7")),
            ("exposure.auto", json!(false)),
            ("exposure.ms", json!(4.0)),
        ]
    );
    assert_eq!(pairs(&node.remaps), [("clock", "/sim/clock"), ("image", "image_raw")]);
    let process = &node.process;
    assert_eq!(
        process.env,
        [("GLOBAL".to_owned(), Some("1".to_owned())), ("CAM".to_owned(), Some("/home/ada/c".to_owned()))]
    );
    assert_eq!(process.prefix, ["nice", "-n", "5"]);
    assert_eq!((process.respawn, process.respawn_delay, process.respawn_max_retries), (true, 1.5, Some(3)));
    assert_eq!((process.sigterm_timeout, process.sigkill_timeout), (Some(2.0), Some(3.0)));
    assert!(process.on_exit_shutdown);
    assert_eq!(process.output, Output::Both);
    assert_eq!(process.cwd.as_deref(), Some("/robot/launch"));
    let words = node.command_line();
    assert_eq!(words[..5], ["--fast", "two words", "--ros-args", "--log-level", "debug"]);
    assert!(words.windows(2).any(|pair| pair == ["-r", "__ns:=/fleet/left"]), "{words:?}");
    assert!(words.windows(2).any(|pair| pair == ["-p", "text:=\"30\""]), "{words:?}");
    assert_eq!(plan.units()[0].name, "cam");
}

#[test]
fn groups_keep_to_themselves_and_includes_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("inner.launch.yaml");
    std::fs::write(
        &inner,
        "launch:\n- arg: {name: who, default: nobody}\n- push_ros_namespace: {namespace: $(var who)}\n\
         - let: {name: seen, value: $(filename)}\n- node: {pkg: p, exec: inner}\n",
    )
    .unwrap();
    let plan = xml(&format!(
        r#"<let name="v" value="outer"/>
        <group>
          <let name="v" value="inner"/><push_ros_namespace namespace="g"/><set_env name="E" value="1"/>
          <node pkg="p" exec="$(var v)"/>
        </group>
        <node pkg="p" exec="$(var v)"/>
        <group scoped="false"><let name="v" value="kept"/></group>
        <node pkg="p" exec="$(var v)"/>
        <include file="{}"><arg name="who" value="ada"/><arg name="extra" value="x"/></include>
        <node pkg="p" exec="after"/>"#,
        inner.display()
    ))
    .unwrap();
    let names: Vec<String> = plan.nodes.iter().map(peregrine_launch::PlannedNode::full_name).collect();
    assert_eq!(names, ["/g/inner", "/outer", "/kept", "/ada/inner", "/ada/after"]);
    assert!(plan.nodes[1].process.env.is_empty());
    assert!(plan.warnings[0].contains("declares no argument 'extra'"), "{:?}", plan.warnings);
    assert!(
        plan.variables.iter().any(|(name, value)| name == "seen" && value.ends_with("inner.launch.yaml"))
    );
}

#[test]
fn containers_and_late_loading() {
    let plan = xml(
        r#"<node_container pkg="peregrine" exec="component_container" name="box" namespace="/front" on_exit="shutdown">
          <composable_node pkg="peregrine" plugin="peregrine::camera" name="cam" if="true">
            <extra_arg name="use_intra_process_comms" value="true"/>
            <param name="peregrine.lane" value="vision"/>
          </composable_node>
          <composable_node pkg="peregrine" plugin="detector" unless="$(not false)"/>
        </node_container>
        <load_composable_node target="/front/box"><composable_node pkg="peregrine" plugin="avoidance"/></load_composable_node>
        <executable cmd="sh -c 'echo hi'" name="hello"/>"#,
    )
    .unwrap();
    let kinds: Vec<_> = plan.nodes.iter().map(|node| (node.kind_name(), node.container.as_deref())).collect();
    assert_eq!(kinds, [("camera", Some("/front/box")), ("avoidance", Some("/front/box")), ("sh", None)]);
    assert_eq!(plan.nodes[0].extra_args, [("use_intra_process_comms".to_owned(), json!(true))]);
    assert_eq!(plan.nodes[0].reserved().unwrap().lane.as_deref(), Some("vision"));
    assert_eq!(plan.nodes[2].command_line(), ["-c", "echo hi"]);
    let units = plan.units();
    assert_eq!(units.len(), 2);
    assert_eq!((units[0].name.as_str(), units[0].nodes.len()), ("box", 2));
    assert_eq!(units[1].name, "hello");
    let back: LaunchPlan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(back, plan);
}

#[test]
fn parameter_files_match_by_full_name_and_unmatched_entries_are_reported() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("p.yaml");
    std::fs::write(
        &file,
        "/**: {ros__parameters: {use_sim_time: true, rate: 1}}\n/front/camera: {ros__parameters: {rate: 2, name: $(var who)}}\n\
         /front/camear: {ros__parameters: {rate: 3}}\n# $(broken\n",
    )
    .unwrap();
    let plan = xml(&format!(
        r#"<let name="who" value="ada"/>
        <node pkg="p" exec="camera" namespace="front">
          <param name="rate" value="0"/><param from="{0}" allow_substs="true"/><param name="last" value="9"/>
        </node>
        <node pkg="p" exec="other"><param from="{0}" allow_substs="true"/></node>"#,
        file.display()
    ))
    .unwrap();
    assert_eq!(
        params(&plan, 0),
        [("rate", json!(2)), ("use_sim_time", json!(true)), ("name", json!("ada")), ("last", json!(9))]
    );
    assert_eq!(params(&plan, 1), [("use_sim_time", json!(true)), ("rate", json!(1))]);
    assert_eq!(plan.nodes[0].params_files, [file.to_string_lossy()]);
    assert_eq!(plan.warnings.len(), 1);
    let warning = &plan.warnings[0];
    assert!(warning.contains("p.yaml:3:17: the entry '/front/camear' matches no node"), "{warning}");
    assert!(warning.contains("did you mean '/front/camera'"), "{warning}");
}

/// The four substitutions that launch files live by, where they stand most: paths.
#[test]
fn substitutions_are_made() {
    let prefix = tempfile::tempdir().unwrap();
    let folder = prefix.path().join("share/robot/params");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("ada.yaml"), "/**: {ros__parameters: {rate: 7}}\n").unwrap();
    let share = Share::embedded().with_prefix_path(&prefix.path().to_string_lossy());
    let mut options = LaunchOptions::new(&share);
    options.environment.insert("WHO".into(), "ada".into());
    let text = r#"<launch>
        <arg name="kind" default="params"/>
        <node pkg="robot" exec="n" cwd="$(dirname)" unless="false">
          <param from="$(find-pkg-share robot)/$(var kind)/$(env WHO).yaml"/>
          <param name="home" value="$(env HOME /nowhere)"/>
        </node>
        <node pkg="robot" exec="not_this" unless="$(equals $(var kind) params)"/>
      </launch>"#;
    let plan = plan_text("/robot/launch/t.launch.xml", text, &options).unwrap();
    assert_eq!(params(&plan, 0), [("rate", json!(7)), ("home", json!("/nowhere"))]);
    assert_eq!(plan.nodes[0].process.cwd.as_deref(), Some("/robot/launch"));
    assert_eq!(plan.nodes.len(), 1);
}

#[test]
fn arguments_are_declared_chosen_and_given() {
    let text = r#"<launch><arg name="world" default="forest"><choice value="forest"/><choice value="maze"/></arg>
        <arg name="seed"/><log message="$(var world) $(var seed)" level="warn"/></launch>"#;
    let plan = |arguments: &[(&str, &str)]| plan_as("t.launch.xml", text, arguments);
    assert_eq!(plan(&[("seed", "3")]).unwrap().messages, [("WARN".to_owned(), "forest 3".to_owned())]);
    let error = plan(&[]).unwrap_err().to_string();
    assert!(error.starts_with("PG-1109 t.launch.xml:2:9: the launch argument 'seed'"), "{error}");
    let error = plan(&[("seed", "1"), ("world", "sea")]).unwrap_err().to_string();
    assert!(error.contains("PG-1110") && error.contains("forest, maze"), "{error}");
    let error = plan(&[("seed", "1"), ("wrold", "maze")]).unwrap_err().to_string();
    assert!(error.contains("PG-1108") && error.contains("did you mean 'world'"), "{error}");
    let file = peregrine_launch::parse_xml(text).unwrap();
    assert_eq!(file.arguments()[0].choices, ["forest", "maze"]);
    assert_eq!(file.arguments()[1].default, None);
}

#[test]
fn every_mistake_says_where_and_what() {
    for (body, words) in [
        (
            "<nod pkg='p' exec='e'/>",
            "PG-1102 /robot/launch/t.launch.xml:1:9: <launch> knows no tag 'nod'; did you mean 'node'?",
        ),
        (
            "\n <node pkg='p' exec='e' namesapce='x'/>",
            ":2:25: <node> knows no attribute 'namesapce'; did you mean 'namespace'?",
        ),
        ("<node pkg='p'/>", "PG-1104 /robot/launch/t.launch.xml:1:9: <node> needs the attribute 'exec'"),
        ("<node pkg='p' exec='e'>text</node>", "no text between tags"),
        ("<composable_node pkg='p' plugin='q'/>", "belongs into a node_container"),
        ("<timer period='1'/>", "PG-1117"),
        (
            "<node pkg='p' exec='e' emulate_tty='true'/>",
            "attribute 'emulate_tty' of <node> is known to ros2 launch but not",
        ),
        ("<node pkg='p' exec='e' if='maybe'/>", "must be true, 1, false or 0"),
        ("<node pkg='p' exec='e' respawn_delay='-1'/>", "a number of at least 0"),
        ("<node pkg='p' exec='e' output='tv'/>", "screen, log or both"),
        ("<node pkg='p' exec='e' on_exit='cry'/>", "must be shutdown"),
        ("<node pkg='p' exec='e' name='a/b'/>", "letters, digits and _"),
        ("<node pkg='p' exec='e' namespace='a//b'/>", "single slashes"),
        ("<node pkg='p' exec='e' args='\"x'/>", "every quote closed"),
        ("<node pkg='p' exec='$(var nothing)'/>", "PG-1107"),
        ("<let name='speed' value='1'/><log message='$(var spede)'/>", "did you mean 'speed'"),
        ("<log message='$(env NOPE)'/>", "write $(env NOPE DEFAULT)"),
        (
            "<log message='$(find-pkg-share peregrin)'/>",
            "PG-1111 /robot/launch/t.launch.xml:1:14: the package 'peregrin' was not found; did you mean 'peregrine'?",
        ),
        ("<log message='$(eval \"1 +\")'/>", "PG-1114"),
        ("<log message='m' level='LOUD'/>", "one of DEBUG"),
        ("<include file='/nowhere.launch.xml'/>", "PG-1112"),
        ("<load_composable_node target='box'/>", "PG-1118"),
        ("<node pkg='p' exec='e'><param name='a'/></node>", "either a value or nested"),
        ("<node pkg='p' exec='e'><param name='a' value='1' from='x'/></node>", "left out beside 'from'"),
        ("<node pkg='p' exec='e'><param name='a' value='x' type='int'/></node>", "PG-1116"),
        ("<node pkg='p' exec='e'><param name='a' value='[1, b]'/></node>", "mixes int and str"),
        ("<node pkg='p' exec='e'><param name='a' value='{b: 1}'/></node>", "nest <param>"),
        ("<node pkg='p' exec='e'><param name='a' value='[1'/></node>", "malformed YAML"),
        (
            "<node pkg='p' exec='e'><param name='peregrine.prio' value='1'/></node>",
            "did you mean 'peregrine.priority'",
        ),
        ("<set_env name='A=B' value='1'/>", "name of an environment variable"),
        ("<group scoped='false' forwarding='false'/>", "not scoped"),
        ("<node pkg='p' exec='e'", "PG-1101"),
        ("<arg name='a' default='$(var a'/>", "PG-1106"),
    ] {
        let error = xml(body).unwrap_err().to_string();
        assert!(error.contains(words), "{body}\n  gave: {error}\n  not:  {words}");
        assert!(error.starts_with("PG-11"), "{error}");
    }
    let error = plan_as("x.launch.py", "", &[]).unwrap_err().to_string();
    assert!(error.contains("ros2 launch"), "{error}");
}

#[test]
fn yaml_mistakes_have_places_too() {
    for (text, words) in [
        (
            "launch:\n- node: {pkg: p, exec: e, nmae: x}\n",
            "t.launch.yaml:2:27: <node> knows no attribute 'nmae'; did you mean 'name'?",
        ),
        ("launch:\n- nodes: {pkg: p}\n", "2:3: <launch> knows no tag 'nodes'; did you mean 'node'?"),
        ("launch:\n- node:\n    pkg: p\n", "2:3: <node> needs the attribute 'exec'"),
        ("lunch: []\n", "the key 'launch'"),
        ("launch: 3\n", "a list of actions"),
        ("launch:\n- {node: {}, log: {}}\n", "one key"),
        ("launch:\n- node: [1]\n", "a mapping of its attributes"),
        ("launch:\n- log: {message: {a: 1}}\n", "a single value or a list"),
        ("launch:\n- log: {message: [a]}\n", "must be a single value"),
        ("launch:\n- log: {message: }\n", "given a value"),
        ("launch:\n  - log: {message: a\n", "PG-1101"),
        ("launch: []\nversion: 1\nextra: 2\n", "knows no attribute 'extra'"),
    ] {
        let error = plan_as("t.launch.yaml", text, &[]).unwrap_err().to_string();
        assert!(error.contains(words), "{text}\n  gave: {error}\n  not:  {words}");
    }
}

#[test]
fn what_feeds_on_itself_meets_a_limit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("loop.launch.xml");
    std::fs::write(&path, "<launch><include file='$(filename)'/></launch>").unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let error = plan_as(&path.to_string_lossy(), &text, &[]).unwrap_err().to_string();
    assert!(error.contains("PG-1113") && error.contains("nesting of includes"), "{error}");

    let doubling = "<let name='x' value='$(var x)$(var x)'/>".repeat(40);
    let error = xml(&format!("<let name='x' value='aaaaaaaa'/>{doubling}")).unwrap_err().to_string();
    assert!(error.contains("length of a text"), "{error}");

    let nested = format!("{}{}", "<group>".repeat(60), "</group>".repeat(60));
    assert!(xml(&nested).unwrap_err().to_string().contains("nesting of tags"));
    let nested = format!("launch:\n- group: {}{}", "[group: ".repeat(40), "]".repeat(40));
    assert!(plan_as("t.launch.yaml", &nested, &[]).is_err());
    let entity = "<!DOCTYPE l [<!ENTITY a 'x'>]><launch>&a;</launch>";
    assert!(plan_as("t.launch.xml", entity, &[]).unwrap_err().to_string().contains("PG-1101"));
}

#[test]
fn xml_and_yaml_mean_the_same() {
    let left = xml(
        r#"<arg name="on" default="true"/>
        <group if="$(var on)"><push_ros_namespace namespace="a"/>
          <node_container pkg="p" exec="c" name="box">
            <composable_node pkg="p" plugin="k" name="n"><param name="list" value="[1, 2]"/><remap from="x" to="y"/></composable_node>
            <composable_node pkg="p" plugin="l"/>
          </node_container>
        </group>
        <node pkg="p" exec="e"><param name="o"><param name="i" value="1"/></param><env name="E" value="v"/></node>"#,
    )
    .unwrap();
    let text = "launch:\n- arg: {name: \"on\", default: \"true\"}\n- group:\n    if: $(var on)\n    children:\n    \
        - push_ros_namespace: {namespace: a}\n    - node_container:\n        pkg: p\n        exec: c\n        name: box\n        \
        composable_node:\n        - {pkg: p, plugin: k, name: n, param: [{name: list, value: [1, 2]}], remap: [{from: x, to: y}]}\n        \
        - {pkg: p, plugin: l}\n- node:\n    pkg: p\n    exec: e\n    param:\n    - name: o\n      param: [{name: i, value: 1}]\n    \
        env: [{name: E, value: v}]\n";
    let right = plan_as("t.launch.yaml", text, &[]).unwrap();
    assert_eq!(without_places(left), without_places(right));
}

fn without_places(mut plan: LaunchPlan) -> LaunchPlan {
    let nowhere = peregrine_launch::At::start("");
    plan.nodes.iter_mut().for_each(|node| node.at = nowhere.clone());
    plan.containers.iter_mut().for_each(|container| container.at = nowhere.clone());
    plan
}
