//! The shipped demo: both files mean the same, and what they mean is written down here.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use peregrine_launch::{At, DEMO_XML, DEMO_YAML, LaunchOptions, LaunchPlan, Share, plan_file};
use serde_json::{Value, json};

fn demo(path: &str, arguments: &[(&str, &str)]) -> LaunchPlan {
    let share = Share::embedded();
    let options = arguments
        .iter()
        .fold(LaunchOptions::new(&share), |options, (name, value)| options.argument(name, value));
    let mut plan = plan_file(path, &options).unwrap();
    plan.nodes.iter_mut().for_each(|node| node.at = At::start(""));
    plan.containers.iter_mut().for_each(|container| container.at = At::start(""));
    plan
}

fn param<'a>(plan: &'a LaunchPlan, node: &str, name: &str) -> Option<&'a Value> {
    let node = plan.nodes.iter().find(|planned| planned.full_name() == node).unwrap();
    node.params.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

#[test]
fn xml_and_yaml_are_the_same_flight() {
    let other: &[_] = &[("record", "true"), ("seed", "7"), ("world", "maze.sdf"), ("backend", "tract")];
    let alone: &[_] = &[("use_composition", "false"), ("namespace", "/uav1"), ("use_sim_time", "false")];
    for arguments in [&[], other, alone] {
        assert_eq!(demo(DEMO_XML, arguments), demo(DEMO_YAML, arguments));
    }
    let share = Share::embedded();
    let arguments = |path: &str| {
        use peregrine_launch::{Packages, parse_text};
        parse_text(path, &share.read(path).unwrap()).unwrap().arguments()
    };
    assert_eq!(arguments(DEMO_XML), arguments(DEMO_YAML));
}

#[test]
fn the_demo_by_default() {
    let plan = demo(DEMO_XML, &[]);
    assert_eq!(plan.warnings, Vec::<String>::new());
    let nodes: Vec<_> = plan.nodes.iter().map(|node| (node.kind_name(), node.full_name())).collect();
    let expected =
        ["drone_sim", "camera", "depth_camera", "detector", "tracker", "avoidance", "safety_filter"];
    let expected: Vec<_> =
        ["drone_sim", "camera", "camera", "detector", "tracker", "avoidance", "safety_filter"]
            .into_iter()
            .zip(expected.map(|name| format!("/{name}")))
            .collect();
    assert_eq!(nodes, expected);
    assert_eq!(param(&plan, "/drone_sim", "seed"), Some(&json!(1)));
    assert_eq!(param(&plan, "/drone_sim", "world"), Some(&json!("forest")));
    assert_eq!(param(&plan, "/depth_camera", "source"), Some(&json!("topic")));
    assert_eq!(plan.nodes[3].reserved().unwrap().lane.as_deref(), Some("detector"));
    let expected = [("use_sim_time".to_owned(), json!(true)), ("threads".to_owned(), json!(1))];
    assert_eq!(plan.containers[0].params, expected);
    assert!(plan.containers[0].process.on_exit_shutdown);
    assert_eq!(plan.units().len(), 1);
    assert_eq!(plan.nodes[1].remaps[0], ("image_in".to_owned(), "sim/camera/image".to_owned()));
}

#[test]
fn a_world_called_like_a_number_stays_a_name() {
    let plan = demo(DEMO_XML, &[("world", "17"), ("record", "true"), ("bag", "2026")]);
    assert_eq!(param(&plan, "/drone_sim", "world"), Some(&json!("17")));
    assert_eq!(param(&plan, "/recorder", "path"), Some(&json!("2026")));
}

/// The same flight in a Gazebo that runs already: its topics stand for those of the simulator.
#[test]
fn the_simulator_is_chosen_by_an_argument() {
    for file in [DEMO_XML, DEMO_YAML] {
        let plan = demo(file, &[("sim", "gazebo")]);
        let kinds: Vec<_> = plan.nodes.iter().map(|node| node.kind_name()).collect();
        assert_eq!(
            kinds,
            ["gz_bridge", "camera", "camera", "detector", "tracker", "avoidance", "safety_filter"],
            "{file}"
        );
        let bridges = param(&plan, "/gz_bridge", "bridges").and_then(|b| b.as_array()).map(Vec::len);
        assert_eq!(bridges, Some(8));
    }
}

#[test]
fn each_node_in_a_process_of_its_own_is_told_the_same() {
    let together = demo(DEMO_XML, &[("record", "true"), ("namespace", "uav1")]);
    let apart = demo(DEMO_XML, &[("record", "true"), ("namespace", "uav1"), ("use_composition", "false")]);
    assert_eq!((apart.containers.len(), apart.units().len()), (0, 8));
    assert_eq!(together.containers[0].full_name(), "/uav1/demo");
    assert_eq!(together.nodes.len(), apart.nodes.len());
    for (left, right) in together.nodes.iter().zip(&apart.nodes) {
        assert_eq!((left.kind_name(), left.full_name()), (right.kind_name(), right.full_name()));
        assert_eq!((&left.params, &left.remaps), (&right.params, &right.remaps));
        assert!(right.full_name().starts_with("/uav1/"));
        assert!(left.params.contains(&("use_sim_time".to_owned(), json!(true))));
        assert_eq!(right.process.on_exit_shutdown, right.kind_name() == "drone_sim");
    }
    // The parameter file's entries reach a node in any namespace.
    assert_eq!(param(&apart, "/uav1/camera", "source"), Some(&json!("topic")));
}

/// What demo.launch.py says of arguments and nodes. `ros2 launch` itself comes in no package that this can be installed from,
/// so that the rest of that file was never run by it: it compiles, and is written to the documented interface.
#[test]
fn the_python_says_what_the_xml_says() {
    const TABLES: &str = "import ast, json, sys\n\
        tree = ast.parse(open(sys.argv[1]).read())\n\
        compile(tree, sys.argv[1], 'exec')\n\
        names = {n.targets[0].id: n.value for n in tree.body if isinstance(n, ast.Assign)}\n\
        print(json.dumps([ast.literal_eval(names[n]) for n in ('ARGUMENTS', 'NODES')]))";
    let Some(python) = std::env::var_os("PEREGRINE_TEST_PYTHON") else {
        println!("SKIP the_python_says_what_the_xml_says: PEREGRINE_TEST_PYTHON names no Python");
        return;
    };
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("launch/demo.launch.py");
    let output = std::process::Command::new(python).args(["-c", TABLES]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tables: [Vec<Vec<Value>>; 2] = serde_json::from_slice(&output.stdout).unwrap();

    let share = Share::embedded();
    use peregrine_launch::{Packages, parse_text};
    let arguments = parse_text(DEMO_XML, &share.read(DEMO_XML).unwrap()).unwrap().arguments();
    let expected: Vec<Vec<Value>> = arguments
        .iter()
        .map(|argument| {
            let default =
                argument.default.as_ref().unwrap().replace("$(find-pkg-share peregrine)/", "share:");
            let choices = (!argument.choices.is_empty()).then_some(&argument.choices);
            vec![json!(argument.name), json!(default), json!(argument.description), json!(choices)]
        })
        .collect();
    assert_eq!(tables[0], expected);

    // Every argument has a value of its own, so that one taken for another shows.
    let given = [
        ("seed", "7"),
        ("model", "m"),
        ("world", "w"),
        ("backend", "tract"),
        ("allow_unsigned", "true"),
        ("cruise_mps", "2.5"),
        ("bag", "b"),
        ("record", "true"),
    ];
    for sim in ["builtin", "gazebo"] {
        let values: Vec<(&str, &str)> = given.into_iter().chain([("sim", sim)]).collect();
        let plan = demo(DEMO_XML, &values);
        let value = |name: &str| values.iter().find(|(known, _)| *known == name).unwrap().1;
        let python = tables[1]
            .iter()
            .filter(|node| node[2].is_null() || value(node[2][0].as_str().unwrap()) == node[2][1]);
        let python: Vec<_> = python.collect();
        assert_eq!(python.len(), plan.nodes.len(), "{sim}");
        for (said, planned) in python.iter().zip(&plan.nodes) {
            assert_eq!((&said[0], &said[1]), (&json!(planned.kind_name()), &json!(planned.name)));
            assert_eq!(said[5], json!(planned.remaps));
            let file = format!("{}.yaml", if said[3] == "params_file" { "demo" } else { "gz_x500" });
            assert!(planned.params_files[0].ends_with(&file), "{:?}", planned.params_files);
            for (name, source) in said[4].as_object().unwrap() {
                let text = value(source[0].as_str().unwrap());
                let typed = match source[1].as_str().unwrap() {
                    "str" => json!(text),
                    _ => serde_json::from_str(text).unwrap(),
                };
                let found = planned.params.iter().find(|(known, _)| known == name).map(|(_, value)| value);
                assert_eq!(found, Some(&typed), "{name}");
            }
            let by_file = if file == "demo.yaml" { &[][..] } else { &["bridges"][..] };
            assert!(by_file.iter().all(|name| planned.params.iter().any(|(known, _)| known == name)));
        }
    }
}
