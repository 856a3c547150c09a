//! Publishes how many objects of one class each picture shows.
use peregrine::prelude::*;
use peregrine_msgs::{std_msgs::UInt32, vision_msgs::Detection2DArray};

#[derive(Params)] // unknown YAML keys are an error
pub struct Config {
    /// Lowest score that counts. Unitless, 0 to 1.
    #[param(default = 0.5, range = 0.0..=1.0)]
    min_score: f64,
    /// The class that counts.
    #[param(default = "stop sign")]
    class: String,
}

pub struct SignCounter {
    config: Config,
    count: Publisher<UInt32>,
}

impl Node for SignCounter {
    const NAME: &'static str = "sign_counter";
    type Params = Config;

    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        setup.subscribe("detections", Qos::Sensor, Self::on_detections)?;
        Ok(Self { config, count: setup.publish("count", Qos::Reliable)? })
    }
}

impl SignCounter {
    fn on_detections(&mut self, ctx: &Context, frame: &Detection2DArray) -> Result {
        let seen = frame
            .best_hypotheses()
            .filter(|h| h.class_id == self.config.class && h.score >= self.config.min_score);
        self.count.send(ctx, UInt32 { data: seen.count() as u32 })
    }
}

export_node!(SignCounter);
