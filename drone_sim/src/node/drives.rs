//! Models on wheels as Gazebo's DiffDrive has them: `/model/M/cmd_vel` in, `/model/M/odometry` out.

use std::sync::{Arc, Mutex, PoisonError};

use peregrine::prelude::*;
use peregrine_msgs::geometry_msgs::Twist;
use peregrine_msgs::nav_msgs::Odometry as OdometryMsg;

use super::{DroneSim, messages};
use crate::checkpoint::{Stateful, Tape};
use crate::flight::Flight;
use crate::scenario::{Mechanism, World};
use crate::sensors::{Odometry, Rate};

/// Commands that wait for the next step: model, m/s forward, rad/s about up.
pub(crate) type Orders = Arc<Mutex<Vec<(String, f64, f64)>>>;

struct Side {
    model: String,
    rate: Rate,
    frame: String,
    child: String,
    odometry: Publisher<OdometryMsg>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Drives {
    sides: Vec<Side>,
    /// Models and the topics that command them.
    topics: Vec<(String, String)>,
    orders: Orders,
}

impl Drives {
    pub(super) fn new(setup: &mut Setup<DroneSim>, world: &World) -> Result<Self> {
        let mut out = Self::default();
        for mechanism in world.mechanisms.iter().filter(|m| m.drive.is_some()) {
            let (model, Some(drive)) = (&mechanism.model, &mechanism.drive) else { continue };
            let spec = drive.spec();
            let or = |given: &str, usual: String| if given.is_empty() { usual } else { given.to_owned() };
            let topic = or(&spec.topic, format!("/model/{model}/cmd_vel"));
            let topic = if topic.starts_with('/') { topic } else { format!("/{topic}") };
            let told = or(&spec.odom_topic, format!("/model/{model}/odometry"));
            let told = if told.starts_with('/') { told } else { format!("/{told}") };
            let to = out.orders.clone();
            let name = model.clone();
            setup.subscribe(&topic, Qos::Reliable, move |_: &mut DroneSim, _, twist: &Twist| {
                put(&to, &name, twist.linear.x, twist.angular.z);
                Ok(())
            })?;
            // As in Gazebo, where 0 is every step; here that is a hundred times a second.
            let hertz = if spec.frequency > 0.0 { spec.frequency.min(1000.0) } else { 100.0 };
            out.sides.push(Side {
                model: model.clone(),
                rate: Rate::new(hertz),
                frame: or(&spec.frame, format!("{model}/odom")),
                child: or(&spec.child_frame, format!("{model}/{}", mechanism.link)),
                odometry: setup.publish(&told, Qos::Sensor)?,
            });
            out.topics.push((model.clone(), topic));
        }
        Ok(out)
    }

    /// Topics that it publishes.
    pub(super) fn odometry(&self) -> impl Iterator<Item = &str> {
        self.sides.iter().map(|s| s.odometry.topic().name())
    }

    /// Models and the topics that command them.
    pub(super) fn topics(&self) -> &[(String, String)] {
        &self.topics
    }

    /// Where their commands go.
    pub(super) fn orders(&self) -> &Orders {
        &self.orders
    }

    /// When the next odometry is due, nanoseconds.
    pub(super) fn next_ns(&self) -> Option<i64> {
        self.sides.iter().filter_map(|s| s.rate.next_ns()).min()
    }

    /// Hands on the commands that have come.
    pub(super) fn obey(&self, flight: &mut Flight) {
        for (model, forward, turn) in
            std::mem::take(&mut *self.orders.lock().unwrap_or_else(PoisonError::into_inner))
        {
            flight.command_drive(&model, forward, turn);
        }
    }

    /// Publishes what is due.
    pub(super) fn fire(&mut self, ctx: &Context, now: Time, flight: &Flight) -> Result {
        for side in &mut self.sides {
            if side.rate.fire(now.0).is_none() {
                continue;
            }
            let found = flight.world().mechanisms.iter().find(|m| m.model == side.model);
            let Some((Mechanism { base, .. }, Some(drive))) = found.map(|m| (m, &m.drive)) else { continue };
            let [forward, turn] = drive.speed();
            let odometry = Odometry {
                velocity: nalgebra::Vector3::new(forward, 0.0, 0.0),
                rates: nalgebra::Vector3::new(0.0, 0.0, turn),
                ..Odometry::still(drive.odometry(base))
            };
            let mut message = messages::odometry(now, &odometry);
            (message.header.frame_id, message.child_frame_id) = (side.frame.clone(), side.child.clone());
            side.odometry.send(ctx, message)?;
        }
        Ok(())
    }
}

/// A command that came, by whichever transport.
pub(crate) fn put(orders: &Orders, model: &str, forward: f64, turn: f64) {
    if !(forward.is_finite() && turn.is_finite()) {
        tracing::warn!(
            "PG-1044 a command of {forward} m/s and {turn} rad/s for {model} is not finite and not obeyed"
        );
        return;
    }
    orders.lock().unwrap_or_else(PoisonError::into_inner).push((model.to_owned(), forward, turn));
}

impl Stateful for Drives {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.sides.iter_mut().for_each(|s| s.rate.go_over(tape));
        // It is set down between the answers to a step and the next one: what they order still waits.
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let blank = || (String::new(), 0.0, 0.0);
        tape.list(&mut orders, blank, |tape, (model, forward, turn)| {
            tape.text(model);
            tape.f64(forward);
            tape.f64(turn);
        });
    }
}
