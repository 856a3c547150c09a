//! A bare Zenoh session that listens to small messages, and, if it is told so, to the pictures beside them: over the same
//! connection. `ros2-listener PORT shm|network|alone`; of each small message it prints when it was sent and came.

use std::error::Error;

use peregrine_msgs::Message;
use peregrine_msgs::builtin_interfaces::Time;
use peregrine_msgs::sensor_msgs::Image;
use peregrine_zenoh::keys::data_key;
use zenoh::{Config, Wait};

use crate::frames::clock;

/// A listener of the benchmark; started by the benchmark itself.
#[derive(clap::Args)]
pub struct Options {
    port: u16,
    way: String,
}

fn plain(error: impl std::fmt::Display) -> Box<dyn Error> {
    error.to_string().into()
}

/// Plays the listener's part.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut config = Config::default();
    for (key, value) in [
        ("mode", "\"peer\"".to_owned()),
        ("connect/endpoints", format!("[\"tcp/127.0.0.1:{}\"]", options.port)),
        ("listen/endpoints", "[\"tcp/127.0.0.1:0\"]".into()),
        ("scouting/multicast/enabled", "false".into()),
        ("transport/shared_memory/enabled", (options.way == "shm").to_string()),
    ] {
        config.insert_json5(key, &value).map_err(plain)?;
    }
    let session = zenoh::open(config).wait().map_err(plain)?;
    let ticks = session
        .declare_subscriber(data_key(0, "/bench/tick", Time::TYPE_NAME, Time::TYPE_HASH))
        .callback(|sample| {
            let came = clock::now();
            let bytes = sample.payload().to_bytes();
            let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
            if let (Some(sec), Some(nanosec)) = (word(4), word(8)) {
                let sent = u64::from(sec) * 1_000_000_000 + u64::from(nanosec);
                println!("{{\"sent\":{sent},\"came\":{came}}}");
            }
        })
        .wait()
        .map_err(plain)?;
    let pictures = match options.way.as_str() {
        "alone" => None,
        _ => {
            let key = data_key(0, "/bench/image", Image::TYPE_NAME, Image::TYPE_HASH);
            let subscriber = session.declare_subscriber(key).callback(|sample| {
                std::hint::black_box(sample.payload().len());
            });
            Some(subscriber.wait().map_err(plain)?)
        }
    };
    println!("ready");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    drop((ticks, pictures));
    session.close().wait().map_err(plain)
}
