//! Wires topics of the two sides together.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use peregrine::OrNode;
use peregrine::prelude::*;
use peregrine_gz::{Flavour, GzNode, Options};

use crate::algo::bridge::{Bridge, Way};
use crate::algo::service::ServiceBridge;
use crate::error::BridgeError;
use crate::outlet::{Outlet, inlet, outlet};
use crate::services::serve;

/// Parameters of `gz_bridge`; `params.yaml` has the same list.
#[derive(Params, Debug)]
pub struct Config {
    /// What is carried: NAME@ROS_TYPE[GZ_TYPE from Gazebo, ] to Gazebo, @ both ways; NAME@PACKAGE/srv/TYPE a service of Gazebo's;
    /// GZ_NAME:ROS_NAME for two names.
    #[param(default = vec!["/clock@rosgraph_msgs/msg/Clock[gz.msgs.Clock".to_string()])]
    pub bridges: Vec<String>,
    /// Gazebo's partition; empty takes GZ_PARTITION, else HOST:USER.
    #[param(default = "".to_string())]
    pub partition: String,
    /// Address that Gazebo meets this machine at; empty takes GZ_IP, else that of the machine.
    #[param(default = "".to_string())]
    pub ip: String,
    /// What Gazebo calls its types: gz (gz.msgs.*) or ignition (ignition.msgs.*, Fortress); empty goes by the variables.
    #[param(default = "".to_string())]
    pub messages: String,
    /// Messages of a topic that wait for the node; the oldest are dropped.
    #[param(default = 16, range = 1..=10000)]
    pub queue: usize,
    /// The largest image that is taken over, bytes.
    #[param(default = 8_294_400, range = 1..=268_435_456)]
    pub image_bytes: usize,
}

/// How often the node looks for what has come from Gazebo.
const LOOK: Duration = Duration::from_millis(1);

/// Messages on their way, as bytes.
type Queue = Arc<Mutex<VecDeque<Vec<u8>>>>;

/// From Gazebo to ROS.
struct Inbound {
    name: String,
    queue: Queue,
    outlet: Box<dyn Outlet>,
    refused: u64,
}

/// The node.
pub struct GzBridge {
    inbound: Vec<Inbound>,
    /// Leaves the graph when the node goes.
    _gz: GzNode,
}

impl std::fmt::Debug for GzBridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GzBridge({} topics from Gazebo)", self.inbound.len())
    }
}

impl Node for GzBridge {
    const NAME: &'static str = "gz_bridge";
    type Params = Config;

    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        let (mut bridges, mut services) = (Vec::new(), Vec::new());
        for text in &config.bridges {
            match ServiceBridge::parse(text) {
                Some(service) => services.push(service.or_node()?),
                None => bridges.push(Bridge::parse(text).or_node()?),
            }
        }
        let mut options = Options::from_env().map_err(BridgeError::from).or_node()?;
        if !config.partition.is_empty() {
            options.partition.clone_from(&config.partition);
        }
        if !config.ip.is_empty() {
            options.ip =
                config.ip.parse().map_err(|_| BridgeError::Address { value: config.ip.clone() }).or_node()?;
        }
        options.flavour = match config.messages.as_str() {
            "" => options.flavour,
            "gz" => Flavour::Gz,
            "ignition" => Flavour::Ignition,
            other => return Err(BridgeError::Messages { value: other.to_owned() }).or_node(),
        };
        let flavour = options.flavour;
        let gz = GzNode::new(options).map_err(BridgeError::from).or_node()?;
        services.iter().try_for_each(|service| serve(setup, &gz, service))?;
        let mut inbound = Vec::new();
        for bridge in &bridges {
            if bridge.way != Way::ToGz
                && let Some(outlet) = outlet(setup, bridge, &config)?
            {
                let queue = Queue::default();
                let (to, longest, wanted) = (queue.clone(), config.queue, bridge.gz_type.clone());
                gz.subscribe_raw(&bridge.gz_name, move |received| {
                    if peregrine_gz::bare_type(&received.type_name) != wanted {
                        return;
                    }
                    let mut queue = to.lock().unwrap_or_else(PoisonError::into_inner);
                    if queue.len() >= longest {
                        queue.pop_front();
                    }
                    queue.push_back(received.payload.to_vec());
                })
                .map_err(BridgeError::from)
                .or_node()?;
                inbound.push(Inbound { name: bridge.gz_name.clone(), queue, outlet, refused: 0 });
            }
            if bridge.way != Way::ToRos {
                let type_name = flavour.type_name(&bridge.gz_type);
                let to =
                    gz.advertise_raw(&bridge.gz_name, &type_name).map_err(BridgeError::from).or_node()?;
                inlet(setup, bridge, to)?;
            }
        }
        setup.timer(LOOK, Self::on_look)?;
        Ok(Self { inbound, _gz: gz })
    }
}

impl GzBridge {
    fn on_look(&mut self, ctx: &Context) -> Result {
        for inbound in &mut self.inbound {
            let waiting = std::mem::take(&mut *inbound.queue.lock().unwrap_or_else(PoisonError::into_inner));
            for payload in waiting {
                if !inbound.outlet.put(ctx, &payload)? {
                    inbound.refused += 1;
                    if inbound.refused.is_power_of_two() {
                        let name = &inbound.name;
                        tracing::warn!(
                            "{} messages on {name} could not be taken over (too large, or damaged)",
                            inbound.refused
                        );
                    }
                }
            }
        }
        Ok(())
    }
}

export_node!(GzBridge);
