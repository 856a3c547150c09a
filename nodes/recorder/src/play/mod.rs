//! Bags played back: [`BagReader`] reads, [`PlayerNode`] publishes.

mod chunks;
mod metadata;
mod node;
mod outlet;
mod pace;
mod qos;
mod reader;
mod source;

pub use node::{PEREGRINE_NODE, PlayerConfig, PlayerNode};
pub use reader::{BagReader, BagTopic, Record};

/// For the fuzz targets: a whole MCAP file, a `metadata.yaml`, and a sealed file or a key, of a stranger. The first byte chooses.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) -> Result<(), crate::RecorderError> {
    let path = std::path::Path::new("fuzz");
    match data.split_first() {
        Some((0, bytes)) => {
            let text = String::from_utf8_lossy(bytes);
            metadata::Metadata::parse(path, &text).map(drop)
        }
        Some((2, bytes)) => crate::seal::fuzz(bytes),
        Some((_, bytes)) => {
            let size = bytes.len() as u64;
            let mut source = source::Source::open(std::io::Cursor::new(bytes), size, path)?;
            let mut message = Vec::new();
            while source.next(&mut message)?.is_some() {}
            Ok(())
        }
        None => Ok(()),
    }
}
