//! Commands on standard input, one JSON object a line; each is answered in one line, `{"do":...,"ok":...}` or
//! `{"do":...,"error":"..."}`. What comes by itself is said as it comes: `{"got":TOPIC,...}`, `{"served":SERVICE,...}`.
//!
//! | command | with | answer |
//! |---|---|---|
//! | `subscribe`, `advertise` | topic, type, best_effort, latched | |
//! | `publish` | topic, and the fields of messages.rs | |
//! | `serve` | service (std_srvs/srv/SetBool: success is data turned round) | |
//! | `call` | service, data | success, message |
//! | `param_list`, `param_get`, `param_describe`, `param_set` | node, name, value | |
//! | `param_declare`, `param_own` | name, value: its own | |
//! | `lifecycle` | node, act: get_state, states, or a transition | |
//! | `lifecycle_host` | name: a managed node of hiroz | |
//! | `graph` | | nodes, topics, services |

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use hiroz::context::ZContext;
use hiroz::lifecycle::{ZLifecycleClient, ZLifecycleNode};
use hiroz::msg::{ZDeserializer, ZMessage, ZSerializer};
use hiroz::node::ZNode;
use hiroz::parameter::{
    Parameter, ParameterClient, ParameterDescriptor, ParameterTarget, ParameterValue as Held,
};
use hiroz::{Builder, Result, WithTypeInfo};
use hiroz_msgs::geometry_msgs::TwistStamped;
use hiroz_msgs::sensor_msgs::{CameraInfo, Image};
use hiroz_msgs::std_msgs::String as Text;
use hiroz_msgs::std_srvs::{SetBoolRequest, SetBoolResponse, srv::SetBool};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::messages::Told;
use crate::qos;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// One line on standard output.
pub fn say(line: Value) {
    let mut out = std::io::stdout().lock();
    // Whoever started this has ended: so do we, at the end of the input.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Obeys until the input ends.
pub fn run(runtime: &Runtime, context: &ZContext, node: ZNode) -> Result<()> {
    let mut script = Script {
        runtime,
        context,
        node: Arc::new(node),
        publishers: BTreeMap::new(),
        held: Vec::new(),
        managed: Vec::new(),
    };
    say(json!({ "ready": true }));
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let command: Value = serde_json::from_str(&line)?;
        let answer = match script.obey(&command) {
            Ok(answer) => json!({ "do": command["do"], "ok": answer }),
            Err(error) => json!({ "do": command["do"], "error": error.to_string() }),
        };
        say(answer);
    }
    Ok(())
}

type Publish = Box<dyn Fn(&Value) -> Result<()>>;

struct Script<'a> {
    runtime: &'a Runtime,
    context: &'a ZContext,
    node: Arc<ZNode>,
    publishers: BTreeMap<String, Publish>,
    held: Vec<Box<dyn std::any::Any>>,
    managed: Vec<ZLifecycleNode>,
}

fn text<'a>(command: &'a Value, name: &str) -> Result<&'a str> {
    command[name].as_str().ok_or_else(|| format!("{name} is missing").into())
}

macro_rules! by_type {
    ($self:ident.$method:ident($command:expr)) => {
        match text($command, "type")? {
            "std_msgs/msg/String" => $self.$method::<Text>($command),
            "geometry_msgs/msg/TwistStamped" => $self.$method::<TwistStamped>($command),
            "sensor_msgs/msg/Image" => $self.$method::<Image>($command),
            "sensor_msgs/msg/CameraInfo" => $self.$method::<CameraInfo>($command),
            other => Err(format!("no type {other} here").into()),
        }
    };
}

impl Script<'_> {
    fn obey(&mut self, command: &Value) -> Result<Value> {
        match text(command, "do")? {
            "subscribe" => by_type!(self.subscribe(command)),
            "advertise" => by_type!(self.advertise(command)),
            "publish" => {
                let topic = text(command, "topic")?;
                self.publishers.get(topic).ok_or_else(|| format!("{topic} is not advertised"))?(command)?;
                Ok(json!(true))
            }
            "serve" => self.serve(text(command, "service")?),
            "call" => self.call(text(command, "service")?, command["data"].as_bool().unwrap_or(false)),
            "graph" => Ok(self.graph()),
            "lifecycle" => self.lifecycle(text(command, "node")?, text(command, "act")?),
            "lifecycle_host" => {
                let name = text(command, "name")?;
                self.managed.push(self.context.create_lifecycle_node(name).build()?);
                Ok(json!(true))
            }
            other if other.starts_with("param_") => self.parameters(other, command),
            other => Err(format!("no command {other}").into()),
        }
    }

    fn subscribe<T>(&mut self, command: &Value) -> Result<Value>
    where
        T: ZMessage + WithTypeInfo + Told,
        T::Serdes: for<'b> ZDeserializer<Output = T, Input<'b> = &'b [u8]> + 'static,
    {
        let topic = text(command, "topic")?.to_owned();
        let name = topic.clone();
        let subscription = self.node.create_sub::<T>(&topic).with_qos(wanted(command)).build_with_callback(
            move |message: T| {
                let mut line = message.to_json();
                line["got"] = json!(name);
                say(line);
            },
        )?;
        self.held.push(Box::new(subscription));
        Ok(json!(true))
    }

    fn advertise<T>(&mut self, command: &Value) -> Result<Value>
    where
        T: ZMessage + WithTypeInfo + Told,
        T::Serdes: for<'b> ZSerializer<Input<'b> = &'b T> + 'static,
    {
        let topic = text(command, "topic")?;
        let publisher = self.node.create_pub::<T>(topic).with_qos(wanted(command)).build()?;
        let publish = move |json: &Value| publisher.publish(&T::from_json(json));
        self.publishers.insert(topic.to_owned(), Box::new(publish));
        Ok(json!(true))
    }

    fn serve(&mut self, service: &str) -> Result<Value> {
        let mut server = self.node.create_service::<SetBool>(service).build()?;
        let name = service.to_owned();
        std::thread::spawn(move || {
            while let Ok(request) = server.take_request() {
                let data = request.message().data;
                say(json!({ "served": name, "data": data }));
                let response = SetBoolResponse { success: !data, message: format!("hiroz heard {data}") };
                if let Err(error) = request.reply_blocking(&response) {
                    say(json!({ "served": name, "error": error.to_string() }));
                }
            }
        });
        Ok(json!(true))
    }

    fn call(&mut self, service: &str, data: bool) -> Result<Value> {
        let client = self.node.create_client::<SetBool>(service).build()?;
        let answer = self.runtime.block_on(client.call_with_timeout(&SetBoolRequest { data }, PATIENCE))?;
        Ok(json!({ "success": answer.success, "message": answer.message }))
    }

    fn graph(&self) -> Value {
        let graph = self.context.graph();
        let nodes: Vec<String> = graph
            .get_node_names()
            .into_iter()
            .map(|(name, namespace)| format!("{}/{name}", namespace.trim_end_matches('/')))
            .collect();
        json!({
            "nodes": nodes,
            "topics": graph.get_topic_names_and_types(),
            "services": graph.get_service_names_and_types(),
        })
    }

    fn lifecycle(&mut self, node: &str, act: &str) -> Result<Value> {
        let client = ZLifecycleClient::new(&self.node, node)?;
        self.runtime.block_on(async {
            Ok(match act {
                "get_state" => json!(format!("{:?}", client.get_state(PATIENCE).await?)),
                "states" => {
                    let states = client.get_available_states(PATIENCE).await?;
                    json!(states.into_iter().map(|state| state.label).collect::<Vec<_>>())
                }
                "configure" => json!(client.configure(PATIENCE).await?),
                "activate" => json!(client.activate(PATIENCE).await?),
                "deactivate" => json!(client.deactivate(PATIENCE).await?),
                "cleanup" => json!(client.cleanup(PATIENCE).await?),
                "shutdown" => json!(client.shutdown(PATIENCE).await?),
                other => return Err(format!("no act {other}").into()),
            })
        })
    }

    fn parameters(&mut self, what: &str, command: &Value) -> Result<Value> {
        match what {
            "param_declare" => {
                let value = to_held(&command["value"])?;
                let name = text(command, "name")?;
                let descriptor = ParameterDescriptor::new(name, value.parameter_type());
                self.node.declare_parameter(name, value, descriptor)?;
                return Ok(json!(true));
            }
            "param_own" => {
                return Ok(self.node.get_parameter(text(command, "name")?).map_or(Value::Null, from_held));
            }
            _ => {}
        }
        let target = text(command, "node")?;
        let target =
            ParameterTarget::from_fqn(target).ok_or_else(|| format!("{target} is no node's name"))?;
        let client = ParameterClient::new(self.node.clone(), target)?;
        let work = async {
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(match what {
                "param_list" => json!(client.list(&[] as &[&str], None).await?.names),
                "param_get" => {
                    let values = client.get(&[text(command, "name")?]).await?;
                    json!(values.into_iter().map(from_held).collect::<Vec<_>>())
                }
                "param_describe" => {
                    let found = client.describe(&[text(command, "name")?]).await?;
                    json!(found.into_iter().map(|one| (one.name, one.description)).collect::<Vec<_>>())
                }
                "param_set" => {
                    let parameter = Parameter::new(text(command, "name")?, to_held(&command["value"])?);
                    let results = client.set(&[parameter]).await?;
                    json!(results.into_iter().map(|one| (one.successful, one.reason)).collect::<Vec<_>>())
                }
                other => return Err(format!("no command {other}").into()),
            })
        };
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await })?
    }
}

fn wanted(command: &Value) -> hiroz::qos::QosProfile {
    let flag = |name: &str| command[name].as_bool().unwrap_or(false);
    qos(flag("best_effort"), flag("latched"), 10)
}

fn to_held(value: &Value) -> Result<Held> {
    Ok(match value {
        Value::Bool(value) => Held::Bool(*value),
        Value::Number(value) => match value.as_i64() {
            Some(whole) => Held::Integer(whole),
            None => Held::Double(value.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(value) => Held::String(value.clone()),
        other => return Err(format!("no parameter is {other}").into()),
    })
}

fn from_held(value: Held) -> Value {
    match value {
        Held::NotSet => Value::Null,
        Held::Bool(value) => json!(value),
        Held::Integer(value) => json!(value),
        Held::Double(value) => json!(value),
        Held::String(value) => json!(value),
        Held::ByteArray(value) => json!(value),
        Held::BoolArray(value) => json!(value),
        Held::IntegerArray(value) => json!(value),
        Held::DoubleArray(value) => json!(value),
        Held::StringArray(value) => json!(value),
    }
}
