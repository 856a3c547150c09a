//! A camera in one process and a viewer in another. In two terminals, in any order, and start either anew as you like:
//! `cargo run -p peregrine-frame --example two_processes -- camera` and `... -- viewer`.
use peregrine_frame::{BusConfig, Encoding, Host, ImageSpec, Policy, Result};
use std::{thread, time::Duration};

fn main() -> Result {
    let host = Host::from_env()?;
    if std::env::args().nth(1).as_deref() == Some("camera") {
        let mut camera = host.publish("/camera/image_raw", BusConfig::default())?;
        for i in 0u8.. {
            if let Some(mut loan) = camera.loan(&ImageSpec::packed(640, 480, Encoding::Rgb8, "camera"))? {
                loan.bytes_mut().fill(i);
                camera.publish(loan)?;
            }
            thread::sleep(Duration::from_millis(33));
        }
    }
    let mut viewer = host.subscribe("/camera/image_raw", Policy::Latest)?;
    loop {
        viewer.wait(Duration::from_secs(1));
        viewer.events().for_each(|event| println!("{event}"));
        while let Some(frame) = viewer.take()? {
            println!(
                "frame {}, {} us old, of {}s",
                frame.sequence(),
                frame.age_ns() / 1000,
                frame.bytes()[0]
            );
        }
    }
}
