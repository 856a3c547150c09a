//! The frame bus by itself: a camera at 100 Hz and a viewer on another thread, no ROS, no runtime.
use peregrine_frame::{BusConfig, Encoding, FrameBus, ImageSpec, Policy, Result};
use std::{thread, time::Duration};

fn main() -> Result {
    let mut camera = FrameBus::create("camera", BusConfig::default())?;
    let mut reader = camera.bus().reader(Policy::Latest)?;
    let viewer = thread::spawn(move || -> Result {
        while reader.wait(Duration::from_secs(1)) {
            while let Some(frame) = reader.take()? {
                println!("frame {} is {} us old", frame.sequence(), frame.age_ns() / 1000);
            }
        }
        println!("{} frames dropped", reader.dropped());
        Ok(())
    });
    for i in 0..20u8 {
        let Some(mut loan) = camera.loan(&ImageSpec::packed(640, 480, Encoding::Rgb8, "cam"))? else {
            continue;
        };
        loan.bytes_mut().fill(i);
        camera.publish(loan)?;
        thread::sleep(Duration::from_millis(10));
    }
    drop(camera);
    viewer.join().unwrap_or(Ok(()))
}
