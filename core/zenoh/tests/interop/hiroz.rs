//! hiroz as a peer (tests/peers): topics, services, parameters, lifecycle and the graph, each side with the other.

use super::*;

/// A node of hiroz that does what it is told.
struct Hiroz {
    program: Program,
    /// What came by itself while an answer was waited for.
    heard: Vec<Value>,
}

impl Hiroz {
    fn start(program: &std::path::Path, port: u16) -> Self {
        let mut command = Command::new(program);
        command.args(["--endpoint", &format!("tcp/127.0.0.1:{port}"), "--namespace", "/theirs"]);
        let mut program = Program::spawn(&mut command);
        assert_eq!(program.report("hiroz"), json!({ "ready": true }));
        Self { program, heard: Vec::new() }
    }

    /// The answer to a command, or why there is none.
    fn ask(&mut self, command: Value) -> Result<Value, String> {
        self.program.tell(&command);
        loop {
            let line = self.program.report(&command.to_string());
            if line["do"] == command["do"] {
                return match line.get("ok") {
                    Some(ok) => Ok(ok.clone()),
                    None => Err(line["error"].as_str().unwrap_or_default().to_owned()),
                };
            }
            self.heard.push(line);
        }
    }

    /// The answer. A call that hiroz makes before it has heard of the server reaches nobody, and is made again.
    fn get(&mut self, command: Value) -> Value {
        seen_in_time(&command.to_string(), || match self.ask(command.clone()) {
            Ok(answer) => Some(answer),
            Err(error) if error.contains("before any response") => None,
            Err(error) => panic!("{command}: {error}"),
        })
    }

    /// The next thing that came by itself on `topic`.
    fn hear(&mut self, what: &str, topic: &str) -> Value {
        loop {
            if let Some(at) = self.heard.iter().position(|line| line[what] == topic) {
                return self.heard.remove(at);
            }
            let line = self.program.report(topic);
            self.heard.push(line);
        }
    }
}

#[test]
fn hiroz_is_a_peer() {
    let test = "hiroz_is_a_peer";
    let Some(program) = built_peer(test, "hiroz-peer") else { return };
    let Some(world) = World::new(test, Distro::Jazzy) else { return };
    let mut hiroz = Hiroz::start(&program, world.port);

    topics(&world, &mut hiroz);
    services(&world, &mut hiroz);
    parameters(&mut hiroz);
    graph(&world, &mut hiroz);
    lifecycle(&world, &mut hiroz);
}

fn topics(world: &World, hiroz: &mut Hiroz) {
    let subscribe = |topic: &str, kind: &str, latched: bool| json!({"do": "subscribe", "topic": topic, "type": kind, "latched": latched, "best_effort": kind.ends_with("Image")});
    hiroz.get(subscribe("/ours/text", "std_msgs/msg/String", false));
    assert_eq!(hiroz.hear("got", "/ours/text")["data"], "hello");
    // hiroz comes late, and gets it nevertheless.
    hiroz.get(subscribe("/ours_latched", "std_msgs/msg/String", true));
    assert_eq!(hiroz.hear("got", "/ours_latched")["data"], "kept by peregrine");
    hiroz.get(subscribe("/ours/twist", "geometry_msgs/msg/TwistStamped", false));
    let twist = hiroz.hear("got", "/ours/twist");
    assert_eq!((&twist["linear_x"], &twist["frame_id"]), (&json!(0.25), &json!("base_link")));
    hiroz.get(subscribe("/ours/image", "sensor_msgs/msg/Image", false));
    let image = hiroz.hear("got", "/ours/image");
    let sum: u64 = (0..64 * 48 * 3_u64).map(|i| (i % 251 + 1) * (i % 251)).sum();
    assert_eq!(image["sum"], sum, "{image}");
    assert_eq!((&image["width"], &image["height"], &image["step"]), (&json!(64), &json!(48), &json!(192)));
    assert_eq!((&image["encoding"], &image["frame_id"]), (&json!("rgb8"), &json!("camera_optical")));
    for (topic, latched, data) in
        [("/theirs/text", false, "hello from hiroz"), ("/theirs/latched", true, "kept by hiroz")]
    {
        hiroz.get(
            json!({"do": "advertise", "topic": topic, "type": "std_msgs/msg/String", "latched": latched}),
        );
        let publish = json!({"do": "publish", "topic": topic, "data": data});
        if latched {
            hiroz.get(publish.clone());
        }
        let came = seen_in_time(topic, || {
            if !latched {
                hiroz.get(publish.clone());
            }
            let seen = world.seen.lock().unwrap();
            if latched { seen.latched.clone() } else { seen.text.clone() }
        });
        assert_eq!(came, data);
    }
    for (topic, kind, fields) in [
        ("/theirs/image", "sensor_msgs/msg/Image", json!({"width": 64, "height": 48, "frame_id": "eye"})),
        ("/theirs/twist", "geometry_msgs/msg/TwistStamped", json!({"linear_x": 0.5, "sec": 7})),
    ] {
        hiroz.get(json!({"do": "advertise", "topic": topic, "type": kind}));
        let mut publish = fields;
        publish["do"] = json!("publish");
        publish["topic"] = json!(topic);
        seen_in_time(topic, || {
            hiroz.get(publish.clone());
            let seen = world.seen.lock().unwrap();
            if kind.ends_with("Image") { seen.image.as_ref().map(|_| ()) } else { seen.twist.map(|_| ()) }
        });
    }
    let seen = world.seen.lock().unwrap().clone();
    assert_eq!((seen.twist, seen.image), (Some((0.5, 7)), Some((64, 48, "eye".into(), true))));
}

fn services(world: &World, hiroz: &mut Hiroz) {
    let answer = hiroz.get(json!({"do": "call", "service": "/ours/switch", "data": true}));
    assert_eq!(answer, json!({"success": true, "message": "from peregrine"}));
    hiroz.get(json!({"do": "serve", "service": "/theirs/switch"}));
    assert_eq!(hiroz.hear("served", "/theirs/switch")["data"], true);
    let seen = world.until("hiroz's answer", |seen| seen.switched.is_some());
    assert_eq!(seen.switched, Some((false, "hiroz heard true".into())));
}

fn parameters(hiroz: &mut Hiroz) {
    let node = "/ours/talker";
    assert_eq!(
        hiroz.get(json!({"do": "param_list", "node": node})),
        json!(["greeting", "size", "use_sim_time"])
    );
    let get = |name: &str| json!({"do": "param_get", "node": node, "name": name});
    let set =
        |name: &str, value: Value| json!({"do": "param_set", "node": node, "name": name, "value": value});
    assert_eq!(hiroz.get(get("greeting")), json!(["hello"]));
    assert_eq!(hiroz.get(get("size")), json!([64]));
    assert_eq!(
        hiroz.get(json!({"do": "param_describe", "node": node, "name": "size"})),
        json!([["size", "Width of its pictures, pixels."]])
    );
    assert_eq!(hiroz.get(set("greeting", json!("set by hiroz"))), json!([[true, ""]]));
    assert_eq!(hiroz.get(get("greeting")), json!(["set by hiroz"]));
    let refused = hiroz.get(set("size", json!(100)));
    assert_eq!(refused[0][0], false);
    assert!(refused[0][1].as_str().unwrap().contains("PG-0218"), "{refused}");
    let heard = seen_in_time("the new greeting", || {
        let text = hiroz.hear("got", "/ours/text")["data"].clone();
        (text != "hello").then_some(text)
    });
    assert_eq!(heard, "set by hiroz");
    // Its own, as ours ask for them: `peregrine param`.
    hiroz.get(json!({"do": "param_declare", "name": "speed", "value": 3}));
}

fn graph(world: &World, hiroz: &mut Hiroz) {
    let found = hiroz.get(json!({"do": "graph"}));
    let has = |list: &str, what: Value| found[list].as_array().unwrap().contains(&what);
    assert!(has("nodes", json!("/ours/talker")), "{found}");
    assert!(!found["nodes"].to_string().contains("_zenoh"), "the transport is nobody: {found}");
    assert!(has("topics", json!(["/ours/image", "sensor_msgs::msg::dds_::Image_"])), "{found}");
    assert!(has("services", json!(["/ours/switch", "std_srvs::srv::dds_::SetBool_"])), "{found}");
    let patience = Duration::from_secs(5);
    let theirs = "/theirs/hiroz_peer";
    seen_in_time("hiroz's node", || {
        world.inspector.nodes(patience).unwrap().iter().find(|n| *n == theirs).cloned()
    });
    let image = seen_in_time("hiroz's subscription", || {
        let topics = world.inspector.topics(patience).unwrap();
        topics.into_iter().find(|topic| topic.name == "/ours/image" && !topic.subscriptions.is_empty())
    });
    assert_eq!(
        (&image.publishers[..], &image.subscriptions[..]),
        (&["/ours/talker".to_owned()][..], &[theirs.to_owned()][..])
    );
    let switch = seen_in_time("hiroz's service", || {
        let services = world.inspector.services(patience).unwrap();
        services.into_iter().find(|service| service.name == "/theirs/switch")
    });
    assert_eq!((switch.type_name.as_str(), switch.node.as_str()), ("std_srvs/srv/SetBool", theirs));
    let support = registry::find_service("rcl_interfaces/srv/GetParameters").unwrap();
    let request = cdr::to_vec(&GetParametersRequest { names: vec!["speed".into()] });
    let answer = seen_in_time("hiroz's parameter", || {
        let own = "/theirs/hiroz_peer/get_parameters";
        world.inspector.call(own, support, request.clone(), Duration::from_secs(1)).ok()
    });
    let answer: GetParametersResponse = cdr::from_slice(&answer).unwrap();
    assert_eq!(answer.values[0].integer_value, 3);
}

fn lifecycle(world: &World, hiroz: &mut Hiroz) {
    let mut act = |act: &str| hiroz.get(json!({"do": "lifecycle", "node": "/ours/talker", "act": act}));
    assert_eq!(act("get_state"), "Active");
    assert_eq!(act("deactivate"), true);
    assert_eq!(act("get_state"), "Inactive");
    assert_eq!(act("activate"), true);
    // A managed node of hiroz, driven with what `peregrine lifecycle` calls.
    hiroz.get(json!({"do": "lifecycle_host", "name": "managed"}));
    let change = registry::find_service("lifecycle_msgs/srv/ChangeState").unwrap();
    let state = registry::find_service("lifecycle_msgs/srv/GetState").unwrap();
    let call = |service: &str, support: &'static registry::ServiceSupport, request: Value| {
        let request = (support.request.from_json)(&request).unwrap();
        let answer = seen_in_time(service, || {
            world.inspector.call(service, support, request.clone(), Duration::from_secs(1)).ok()
        });
        (support.response.to_json)(&answer).unwrap()
    };
    let current = || call("/managed/get_state", state, json!({}))["current_state"]["label"].clone();
    assert_eq!(current(), "unconfigured");
    for (id, after) in [(1, "inactive"), (3, "active")] {
        let answer = call("/managed/change_state", change, json!({"transition": {"id": id}}));
        assert_eq!(answer["success"], true);
        assert_eq!(current(), after);
    }
}
