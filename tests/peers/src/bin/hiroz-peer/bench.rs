//! Images with the time in their pixels: one end of the benchmark's image leg.

use std::sync::Arc;
use std::time::Duration;

use hiroz::node::ZNode;
use hiroz::shm::ShmProviderBuilder;
use hiroz::{Builder, Result, ZBuf};
use hiroz_msgs::sensor_msgs::Image;
use hiroz_msgs::std_msgs::Header;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use zenoh::Wait;
use zenoh::internal::buffers::SplitBuffer;
use zenoh::shm::{BlockOn, GarbageCollect};

use crate::qos;
use crate::script::say;

/// What is published.
pub struct Images {
    pub width: u32,
    pub height: u32,
    pub hz: f64,
    pub count: u64,
}

/// CLOCK_MONOTONIC, ns.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Says when each image came, until standard input ends.
pub fn subscribe(node: &ZNode, topic: &str, how: &[&str]) -> Result<()> {
    let _subscription = node
        .create_sub::<Image>(topic)
        .with_qos(qos(how.contains(&"best-effort"), false, 5))
        .build_with_callback(|image: Image| {
            let came = now();
            let data = image.data.contiguous();
            let sent = data.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            say(json!({ "sent": sent, "came": came, "bytes": data.len() }));
        })?;
    say(json!({ "ready": true }));
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// Publishes at a steady rate, then says how long each call took, ns.
pub fn publish(node: &ZNode, topic: &str, images: &Images, how: &[&str], shm: usize) -> Result<()> {
    let publisher =
        node.create_pub::<Image>(topic).with_qos(qos(how.contains(&"best-effort"), false, 5)).build()?;
    let size = images.width as usize * images.height as usize * 3;
    let pool = if how.contains(&"loan") {
        Some(Arc::new(ShmProviderBuilder::new(shm.max(4 * size)).build()?))
    } else {
        None
    };
    let mut pixels = vec![128_u8; size];
    let mut took = Vec::new();
    let period = Duration::from_secs_f64(1.0 / images.hz);
    let mut due = std::time::Instant::now();
    for sequence in 0..images.count {
        std::thread::sleep(due.saturating_duration_since(std::time::Instant::now()));
        due += period;
        let (data, sent) = match &pool {
            Some(pool) => {
                let mut loan = pool.alloc(size).with_policy::<BlockOn<GarbageCollect>>().wait()?;
                loan.copy_from_slice(&pixels);
                let sent = now();
                loan[..8].copy_from_slice(&sent.to_le_bytes());
                (ZBuf::from(loan), sent)
            }
            None => {
                let sent = now();
                pixels[..8].copy_from_slice(&sent.to_le_bytes());
                (ZBuf::from(&pixels[..]), sent)
            }
        };
        let mut image = Image {
            header: Header { frame_id: "hiroz".into(), ..Header::default() },
            height: images.height,
            width: images.width,
            encoding: "rgb8".into(),
            is_bigendian: 0,
            step: images.width * 3,
            data,
        };
        image.header.stamp.sec = (sequence & 0x7fff_ffff) as i32;
        publisher.publish(&image)?;
        took.push(now() - sent);
    }
    say(json!({ "published": images.count, "took_ns": took }));
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
