//! OdometryPublisher: where a model is in the world and how fast, flat or in space.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use peregrine::prelude::*;
use peregrine_msgs::nav_msgs::Odometry as OdometryMsg;
use peregrine_msgs::tf2_msgs::TFMessage;

use super::{Maker, topic};
use crate::checkpoint::{Stateful, Tape};
use crate::node::messages;
use crate::node::suite::Seat;
use crate::physics::Sample;
use crate::rng::Stream;
use crate::scenario::World;
use crate::sdf::types::{OdometryPublisher, SdfModel};
use crate::sensors::noise::stream;
use crate::sensors::{Odometry, Rate};

/// Numbers of the noise begin here, above those of sensors.
const IDS: u64 = 1_000_000;

/// One plugin at work.
pub(super) struct Odometer {
    pub rate: Rate,
    home: (Seat, Isometry3<f64>),
    /// The point of the model that is told.
    offset: Isometry3<f64>,
    /// Told in the plane.
    flat: bool,
    frame: String,
    child: String,
    noise: (f64, Stream),
    /// When it was looked at last, and where it was: the speeds of what is not the vehicle.
    last: Option<(i64, Isometry3<f64>)>,
    plain: Option<Publisher<OdometryMsg>>,
    covariant: Option<Publisher<OdometryMsg>>,
    transforms: Option<Publisher<TFMessage>>,
}

impl Odometer {
    /// Of a plugin; with the topic that is to have a covariance.
    pub(super) fn new(
        maker: &mut Maker<'_, '_>,
        spec: &OdometryPublisher,
        model: &SdfModel,
        home: (Seat, Isometry3<f64>),
        (seed, id): (u64, u64),
    ) -> Result<(Self, Option<String>)> {
        let name = &model.name;
        let or = |given: &str, usual: &str| match given {
            "" => format!("{name}/{usual}"),
            given => given.to_string(),
        };
        let [roll, pitch, yaw]: [f64; 3] = spec.rpy_offset.into();
        let turn = UnitQuaternion::from_euler_angles(roll, pitch, yaw);
        let with = topic(&spec.odom_covariance_topic, format!("/model/{name}/odometry_with_covariance"));
        let plain = maker.publish(&topic(&spec.odom_topic, format!("/model/{name}/odometry")))?;
        let covariant = maker.publish(&with)?;
        let made = covariant.is_some().then_some(with);
        let odometer = Self {
            // 0 is every step.
            rate: Rate::new(if spec.frequency > 0.0 { spec.frequency.min(1000.0) } else { 1000.0 }),
            home,
            offset: Isometry3::from_parts(Translation3::from(spec.xyz_offset), turn),
            flat: spec.dimensions == 2,
            frame: or(&spec.odom_frame, "odom"),
            child: or(&spec.robot_base_frame, "base_footprint"),
            noise: (spec.gaussian_noise.abs(), stream(seed, IDS + id, 0)),
            last: None,
            plain,
            covariant,
            transforms: maker.transforms(&topic(&spec.tf_topic, format!("/model/{name}/pose")))?,
        };
        Ok((odometer, made))
    }

    pub(super) fn fire(&mut self, ctx: &Context, now: Time, world: &World, truth: &Sample) -> Result {
        let Some(index) = self.rate.fire(now.0) else { return Ok(()) };
        let Some(carrier) = self.home.0.sample(world, truth) else { return Ok(()) };
        let place = self.home.1 * self.offset;
        let pose = carrier.state.pose() * place;
        // Of the vehicle the speeds are known; of others they are what came of the way since the last look.
        let (velocity, turning) = if self.home.0 == Seat::Vehicle {
            let state = carrier.state.seen_at(&place.translation.vector);
            (state.velocity, state.rotation() * state.rates)
        } else {
            self.last.map_or((Vector3::zeros(), Vector3::zeros()), |last| speeds(last, (now.0, pose)))
        };
        self.last = Some((now.0, pose));
        let mut told = Odometry {
            pose,
            velocity: pose.rotation.inverse() * velocity,
            rates: pose.rotation.inverse() * turning,
        };
        if self.flat {
            let heading = UnitQuaternion::from_euler_angles(0.0, 0.0, pose.rotation.euler_angles().2);
            told.pose.translation.z = 0.0;
            told.velocity = heading.inverse() * Vector3::new(velocity.x, velocity.y, 0.0);
            told.rates = Vector3::new(0.0, 0.0, turning.z);
        }
        let (deviation, stream) = (self.noise.0, &self.noise.1);
        if deviation > 0.0 {
            let axes = if self.flat { Vector3::new(1.0, 1.0, 0.0) } else { Vector3::repeat(1.0) };
            let noise = |part: u64| stream.normal3(3 * index as u64 + part) * deviation;
            told.pose.translation.vector += noise(0).component_mul(&axes);
            told.velocity += noise(1).component_mul(&axes);
            let about = noise(2);
            told.rates += if self.flat { Vector3::new(0.0, 0.0, about.z) } else { about };
        }
        let mut message = messages::odometry(now, &told);
        message.header.frame_id.clone_from(&self.frame);
        message.child_frame_id.clone_from(&self.child);
        if let Some(out) = &self.transforms {
            let transforms = vec![messages::transform(now, &self.frame, &self.child, &told.pose)];
            out.send(ctx, TFMessage { transforms })?;
        }
        if let Some(out) = &self.plain {
            out.send(ctx, message.clone())?;
        }
        if let Some(out) = &self.covariant {
            for diagonal in (0..36).step_by(7) {
                message.pose.covariance[diagonal] = deviation * deviation;
                message.twist.covariance[diagonal] = deviation * deviation;
            }
            out.send(ctx, message)?;
        }
        Ok(())
    }
}

/// Velocity and angular velocity, world, that brought a body from one place to another; times in nanoseconds.
fn speeds(from: (i64, Isometry3<f64>), to: (i64, Isometry3<f64>)) -> (Vector3<f64>, Vector3<f64>) {
    let dt = (to.0 - from.0) as f64 * 1e-9;
    if dt <= 0.0 {
        return (Vector3::zeros(), Vector3::zeros());
    }
    let way = to.1.translation.vector - from.1.translation.vector;
    (way / dt, (to.1.rotation * from.1.rotation.inverse()).scaled_axis() / dt)
}

impl Stateful for Odometer {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.rate.go_over(tape);
        let blank = || (0, Isometry3::identity());
        tape.option(&mut self.last, blank, |tape, (at, pose)| {
            tape.i64(at, 0..=i64::MAX / 2);
            tape.pose(pose);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_those_of_the_way() {
        let turn = |yaw| UnitQuaternion::from_euler_angles(0.0, 0.0, yaw);
        let from = (1_000_000_000, Isometry3::from_parts(Translation3::new(1.0, 0.0, 2.0), turn(3.0)));
        let to = (1_500_000_000, Isometry3::from_parts(Translation3::new(2.0, 0.0, 1.0), turn(3.5)));
        let (velocity, turning) = speeds(from, to);
        assert!((velocity - Vector3::new(2.0, 0.0, -2.0)).norm() < 1e-12);
        assert!((turning - Vector3::new(0.0, 0.0, 1.0)).norm() < 1e-12);
        assert_eq!(speeds(from, from).0, Vector3::zeros());
    }
}
