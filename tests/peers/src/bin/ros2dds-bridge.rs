//! zenoh-bridge-ros2dds for the tests: `ros2dds-bridge PORT DOMAIN` is a Zenoh router on that loopback port and bridges the DDS
//! domain, until its standard input ends. Cyclone DDS reads `CYCLONEDDS_URI`, the bridge `ROS_DISTRO`.

use zenoh::Config;
use zenoh::internal::runtime::RuntimeBuilder;

fn main() -> zenoh::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(port), Some(domain)) = (args.next(), args.next()) else {
        return Err("ros2dds-bridge PORT DOMAIN".into());
    };
    zenoh::init_log_from_env_or("error");
    let mut config = Config::default();
    config.insert_json5("mode", "\"router\"")?;
    config.insert_json5("listen/endpoints", &format!("[\"tcp/127.0.0.1:{port}\"]"))?;
    config.insert_json5("scouting/multicast/enabled", "false")?;
    let bridge = serde_json::from_str(&format!("{{\"domain\": {domain}}}"))?;
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    tokio.block_on(async move {
        let mut router = RuntimeBuilder::new(config).build().await?;
        router.start().await?;
        tokio::spawn(zenoh_plugin_ros2dds::run(router.into(), bridge));
        println!("ready");
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
        // Cyclone's threads do not end by themselves.
        std::process::exit(0);
    })
}
