//! Publishers on ROS topics whose type is known only from the parameters.

use std::marker::PhantomData;

use peregrine::OrNode;
use peregrine::prelude::*;
use peregrine_gz::convert::Convert;
use peregrine_gz::msgs::{self, GzMessage, Wire};
use peregrine_gz::{RawPublisher, for_each_pair};
use peregrine_msgs::Message;
use peregrine_msgs::sensor_msgs::Image;

use crate::algo::bridge::Bridge;
use crate::node::{Config, GzBridge};

/// Takes Gazebo's bytes and publishes ROS's message.
pub(crate) trait Outlet: Send {
    /// False if the message could not be taken over.
    fn put(&mut self, ctx: &Context, payload: &[u8]) -> Result<bool>;
}

struct Plain<R: Message, G> {
    publisher: Publisher<R>,
    gz: PhantomData<fn(G)>,
}

impl<R: Convert<G>, G: GzMessage> Outlet for Plain<R, G> {
    fn put(&mut self, ctx: &Context, payload: &[u8]) -> Result<bool> {
        let Ok(message) = G::decode(payload) else { return Ok(false) };
        self.publisher.send(ctx, R::from_gz(&message))?;
        Ok(true)
    }
}

/// Images travel as frames.
struct Images {
    publisher: FramePublisher,
}

impl Outlet for Images {
    fn put(&mut self, ctx: &Context, payload: &[u8]) -> Result<bool> {
        use peregrine_gz::msgs::sensing::Image as GzImage;
        let Ok(gz) = GzImage::decode(payload) else { return Ok(false) };
        let image = Image::from_gz(&gz);
        let Some(encoding) = encoding_of(&image.encoding) else { return Ok(false) };
        let spec = ImageSpec::packed(image.width, image.height, encoding, &image.header.frame_id);
        let Ok(Some(mut loan)) = self.publisher.loan(&spec) else { return Ok(false) };
        let bytes = loan.bytes_mut();
        let row = if image.height > 0 { bytes.len() / image.height as usize } else { 0 };
        let step = image.step as usize;
        if row == 0 || step < row || image.data.len() < step * (image.height as usize - 1) + row {
            return Ok(false);
        }
        for (to, from) in bytes.chunks_exact_mut(row).zip(image.data.chunks(step)) {
            to.copy_from_slice(&from[..row]);
        }
        loan.set_stamp(image.header.stamp.to_nanos());
        self.publisher.send(ctx, loan)?;
        Ok(true)
    }
}

/// The encoding of that name.
fn encoding_of(name: &str) -> Option<Encoding> {
    (1..=32).filter_map(Encoding::from_u32).find(|e| e.as_str() == name)
}

/// An outlet for the bridge.
pub(crate) fn outlet(
    setup: &mut Setup<GzBridge>,
    bridge: &Bridge,
    config: &Config,
) -> Result<Option<Box<dyn Outlet>>> {
    if bridge.ros_type == Image::TYPE_NAME {
        let slots = FrameSlots { slots: 8, bytes: config.image_bytes };
        return Ok(Some(Box::new(Images { publisher: setup.publish_frames(&bridge.ros_name, slots)? })));
    }
    macro_rules! choose {
        ($($package:ident :: $ros:ident <=> $group:ident :: $gz:ident,)*) => {
            $(if (bridge.ros_type.as_str(), bridge.gz_type.as_str())
                == (peregrine_msgs::$package::$ros::TYPE_NAME, msgs::$group::$gz::NAME)
            {
                let publisher = setup.publish::<peregrine_msgs::$package::$ros>(&bridge.ros_name, Qos::Reliable)?;
                return Ok(Some(Box::new(Plain::<_, msgs::$group::$gz> { publisher, gz: PhantomData })));
            })*
        };
    }
    for_each_pair!(choose);
    Ok(None)
}

/// Subscribes on the ROS side; what comes goes out to Gazebo.
pub(crate) fn inlet(setup: &mut Setup<GzBridge>, bridge: &Bridge, to: RawPublisher) -> Result {
    if bridge.ros_type == Image::TYPE_NAME {
        return setup.subscribe_frames(&bridge.ros_name, FramePolicy::Latest, move |_, _, frame| {
            if to.has_listeners() {
                let image = peregrine_msgs::cdr::from_slice::<Image>(frame.cdr()).map_err(|e| e.to_string());
                let image = image.map_err(std::io::Error::other).or_node()?;
                to.publish(Convert::<msgs::sensing::Image>::to_gz(&image).encode_to_vec());
            }
            Ok(())
        });
    }
    macro_rules! choose {
        ($($package:ident :: $ros:ident <=> $group:ident :: $gz:ident,)*) => {
            $(if (bridge.ros_type.as_str(), bridge.gz_type.as_str())
                == (peregrine_msgs::$package::$ros::TYPE_NAME, msgs::$group::$gz::NAME)
            {
                return setup.subscribe(&bridge.ros_name, Qos::Reliable, move |_, _, ros: &peregrine_msgs::$package::$ros| {
                    if to.has_listeners() {
                        to.publish(Convert::<msgs::$group::$gz>::to_gz(ros).encode_to_vec());
                    }
                    Ok(())
                });
            })*
        };
    }
    for_each_pair!(choose);
    Ok(())
}
