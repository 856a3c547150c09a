//! Ours: the frame bus across processes, and within one.

use std::time::Duration;

use peregrine_frame::{BusConfig, Encoding, FrameBus, Host, ImageSpec, Policy, Writer};

use super::super::drive::Sender;
use super::super::job::{Job, Outcome, Size};
use super::super::record::Recorder;
use super::{Ready, within};

pub(in super::super) struct Camera {
    writer: Writer,
    size: Size,
}

/// As a node's publisher has it: room for 8 readers that hold 2 frames each.
pub(in super::super) fn config(size: Size) -> BusConfig {
    BusConfig { slots: 20, slot_bytes: size.bytes(), keep: 2, max_readers: 16 }
}

/// The buses of this measurement.
pub(in super::super) fn host(job: &Job) -> Outcome<Host> {
    Ok(Host::at(job.folder.join("bus"), 0)?)
}

impl Camera {
    pub fn open(job: &Job) -> Outcome<Self> {
        let writer = host(job)?.publish(&job.topic, config(job.size))?;
        Ok(Self { writer, size: job.size })
    }

    pub fn writer(&self) -> &Writer {
        &self.writer
    }
}

impl Sender for Camera {
    fn send(&mut self, fill: &mut dyn FnMut(&mut [u8])) -> Outcome<bool> {
        let spec = ImageSpec::packed(self.size.width, self.size.height, Encoding::Rgb8, "camera_optical");
        let Some(mut loan) = self.writer.loan(&spec)? else { return Ok(false) };
        fill(loan.bytes_mut());
        self.writer.publish(loan)?;
        Ok(true)
    }
}

pub(in super::super) fn publish(job: &Job) -> Outcome<Box<dyn Sender>> {
    Ok(Box::new(Camera::open(job)?))
}

pub(in super::super) fn read(job: &Job, mut recorder: Recorder, ready: Ready<'_>) -> Outcome<Recorder> {
    let mut viewer = host(job)?.subscribe(&job.topic, Policy::Latest)?;
    if !viewer.wait_attached(Duration::from_secs(10)) {
        return Err("the frame bus's publisher was not found within 10 s".into());
    }
    ready()?;
    while !recorder.is_over() {
        if viewer.wait(Duration::MAX) {
            while let Some(frame) = viewer.take()? {
                recorder.frame(frame.bytes());
            }
        }
    }
    Ok(recorder)
}

/// Between two threads of one process.
pub(in super::super) fn thread(job: &Job) -> Outcome<super::super::job::Measured> {
    let writer = FrameBus::create(&job.topic, config(job.size))?;
    let mut reader = writer.bus().reader(Policy::Latest)?;
    within(job, &mut Camera { writer, size: job.size }, move |mut recorder| {
        while !recorder.is_over() {
            if reader.wait(Duration::MAX) {
                while let Ok(Some(frame)) = reader.take() {
                    recorder.frame(frame.bytes());
                }
            }
        }
        recorder
    })
}
