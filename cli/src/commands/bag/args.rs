//! Arguments of `peregrine bag`; those of `play` are called as those of `ros2 bag play` are.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Bag {
    /// Publish what a bag holds, at the pace of its recording.
    Play(BagPlay),
    /// What a bag holds: topics, types, numbers, times.
    Info {
        /// The bag's directory, or an MCAP file.
        bag: PathBuf,
        /// File of identities that a sealed bag is opened with.
        #[arg(short, long, value_name = "FILE")]
        identity: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Open a sealed bag into a plain one.
    Decrypt(BagDecrypt),
    /// Make a key that bags can be sealed for: the secret goes into a file, the public half is printed.
    Keygen {
        /// The file of the secret. Keep it off the robots.
        file: PathBuf,
    },
    /// Complete a bag whose recording was cut off: every whole message is copied, with index and metadata.
    Recover {
        /// The MCAP file that breaks off.
        from: PathBuf,
        /// The new bag: a directory that does not exist yet.
        to: PathBuf,
    },
}

/// Sealed bags.
#[derive(Debug, Args)]
pub struct BagDecrypt {
    /// The sealed bag: its directory, or one file (.age).
    pub from: PathBuf,
    /// The plain bag: a directory that does not exist yet.
    pub to: PathBuf,
    /// File of identities, as `peregrine bag keygen` and `age-keygen` write it.
    #[arg(short, long, value_name = "FILE")]
    pub identity: PathBuf,
}

#[derive(Debug, Args)]
pub struct BagPlay {
    /// The bag's directory, or an MCAP file.
    pub bag: PathBuf,
    /// Times as fast as it was recorded.
    #[arg(short, long, default_value_t = 1.0)]
    pub rate: f64,
    /// Begin again at the end.
    #[arg(short = 'l', long = "loop")]
    pub looping: bool,
    /// Begin so far into the bag, s.
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS")]
    pub start_offset: f64,
    /// Wait so long before the first message, s: readers need their time to find the publishers.
    #[arg(short, long, default_value_t = 0.0, value_name = "SECONDS")]
    pub delay: f64,
    /// Topics to play; all when absent. `*` stands for a part of a name, `**` for any, a namespace for all below it.
    #[arg(long, num_args = 1.., value_name = "TOPIC")]
    pub topics: Vec<String>,
    /// Topics to leave out, in the same manner.
    #[arg(long, num_args = 1.., value_name = "TOPIC")]
    pub exclude_topics: Vec<String>,
    /// Publish under other names: from:=to.
    #[arg(short = 'm', long, num_args = 1.., value_name = "FROM:=TO")]
    pub remap: Vec<String>,
    /// Publish the bag's time on /clock, so often, Hz.
    #[arg(long, num_args = 0..=1, default_missing_value = "40", value_name = "HZ")]
    pub clock: Option<f64>,
    /// File of identities that a sealed bag is opened with.
    #[arg(short, long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// Stand still until `peregrine param set /rosbag2_player paused false`.
    #[arg(short = 'p', long)]
    pub start_paused: bool,
}
