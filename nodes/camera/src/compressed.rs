//! `image_raw/compressed`: JPEG, made on a thread of its own and only while somebody reads it.
//!
//! The camera copies the newest picture for the thread and goes on; while the thread works, pictures in between are left
//! out. In lockstep there is no such topic: its readers come from outside, and a flight must not depend on them.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use peregrine::Period;
use peregrine::prelude::*;
use peregrine_msgs::sensor_msgs::CompressedImage;
use peregrine_msgs::std_msgs::Header;

use crate::algo::shrink::{Pixels, format, pack, write_jpeg};

/// How often the camera looks whether a picture is ready, while one is being made.
const LOOK: Duration = Duration::from_millis(2);
/// ... and while none is.
const NO_LOOK: Duration = Duration::from_secs(3600);

/// A picture on its way to the thread and, as JPEG, back. Its buffers are used again.
#[derive(Default)]
struct Job {
    packed: Vec<u8>,
    size: (u32, u32),
    quality: u8,
    message: CompressedImage,
    failed: Option<String>,
}

/// The thread, and the way to it and back.
struct Worker {
    to: SyncSender<Box<Job>>,
    from: Receiver<Box<Job>>,
}

/// The topic.
pub(crate) struct Compressed {
    publisher: Publisher<CompressedImage>,
    worker: Option<Worker>,
    /// At hand while the thread has nothing to do.
    idle: Option<Box<Job>>,
    period: Period,
    told: bool,
}

impl Compressed {
    /// Declares the topic; `None` in lockstep. `look` is called when a picture may be ready: it must call [`Self::collect`].
    pub(crate) fn declare<N: Node>(
        setup: &mut Setup<N>,
        look: impl Fn(&mut N, &Context) -> Result + Send + 'static,
    ) -> Result<Option<Self>> {
        if setup.is_lockstep() {
            return Ok(None);
        }
        let period = Period::new(NO_LOOK);
        setup.timer_every(period.clone(), look)?;
        // As image_transport does: whatever the pictures are called, the JPEGs are called after them.
        let topic = format!("{}/compressed", setup.resolve("image_raw")?);
        let publisher = setup.publish(&topic, Qos::Sensor)?;
        Ok(Some(Self { publisher, worker: None, idle: Some(Box::default()), period, told: false }))
    }

    /// Takes a copy of the picture, if somebody reads the topic and the thread is free. `quality` 0 never does.
    pub(crate) fn offer(
        &mut self,
        ctx: &Context,
        pixels: &Pixels<'_>,
        stamp: Time,
        frame_id: &str,
        quality: u8,
    ) {
        let topic = self.publisher.topic();
        if quality == 0 || self.idle.is_none() || topic.subscriptions() + topic.remote_readers() == 0 {
            return;
        }
        let Some(format) = format(pixels.encoding) else {
            if !std::mem::replace(&mut self.told, true) {
                let encoding = pixels.encoding;
                tracing::warn!(
                    node = ctx.node_name(),
                    "image_raw/compressed stays silent: no JPEG is made of {encoding}"
                );
            }
            return;
        };
        let Some(mut job) = self.idle.take() else { return };
        if !pack(pixels, &mut job.packed) {
            self.idle = Some(job);
            return;
        }
        (job.size, job.quality) = ((pixels.width, pixels.height), quality);
        job.message.header = Header { stamp: stamp.to_msg(), frame_id: frame_id.to_owned() };
        job.message.format = format;
        if self.worker.is_none() {
            self.worker = Worker::start().map_err(|error| self.complain(ctx, &error.to_string())).ok();
        }
        match self.worker.as_ref().map(|worker| worker.to.send(job)) {
            Some(Ok(())) => self.period.set(LOOK),
            Some(Err(back)) => self.idle = Some(back.0),
            // Without a thread there is no such topic, and that was said.
            None => {}
        }
    }

    /// Publishes the picture that is ready, if one is.
    pub(crate) fn collect(&mut self, ctx: &Context) -> Result {
        let Some(mut job) = self.worker.as_ref().and_then(|worker| worker.from.try_recv().ok()) else {
            return Ok(());
        };
        self.period.set(NO_LOOK);
        match job.failed.take() {
            Some(reason) => self.complain(ctx, &reason),
            None => self.publisher.send_ref(ctx, &job.message)?,
        }
        self.idle = Some(job);
        Ok(())
    }

    fn complain(&self, ctx: &Context, reason: &str) {
        tracing::warn!(node = ctx.node_name(), "image_raw/compressed: {reason}");
    }
}

impl Worker {
    fn start() -> std::io::Result<Self> {
        let (to, jobs) = sync_channel::<Box<Job>>(1);
        let (done, from) = sync_channel(1);
        std::thread::Builder::new().name("jpeg".to_owned()).spawn(move || {
            // Ends when the node goes.
            for mut job in jobs {
                job.failed = write_jpeg(&job.packed, job.size, job.quality, &mut job.message.data).err();
                if done.send(job).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { to, from })
    }
}
