//! Steps of a model's transfer, as CDR.

use std::path::PathBuf;

use peregrine_detector::algo::transfer::{to_reply, to_request};
use peregrine_msgs::cdr;
use peregrine_msgs::peregrine_msgs::{ModelTransferRequest, ModelTransferResponse};

use super::code;

/// Steps of a transfer, each behind its length (u16, little endian). The first byte chooses whether a host reads them as requests,
/// or a courier and a fetch as answers. (It needs a folder: that of this process below the system's for temporary files.)
pub fn model_transfer(data: &[u8]) {
    let Some((side, mut rest)) = data.split_first() else { return };
    let mut pieces = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(tail.len());
        pieces.push(&tail[..length]);
        rest = &tail[length..];
    }
    if side & 1 == 0 {
        let requests =
            pieces.iter().filter_map(|piece| match cdr::from_slice::<ModelTransferRequest>(piece) {
                Ok(message) => Some(to_request(&message)),
                Err(error) => {
                    code(&error, "PG-03");
                    None
                }
            });
        peregrine_models::fuzz::dock(&folder(), &requests.collect::<Vec<_>>());
    } else {
        let replies = pieces.iter().filter_map(|piece| cdr::from_slice::<ModelTransferResponse>(piece).ok());
        peregrine_models::fuzz::visitors(
            &folder(),
            &replies.map(|message| to_reply(&message)).collect::<Vec<_>>(),
        );
    }
}

fn folder() -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id());
    let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
    std::env::temp_dir().join(format!("peregrine-fuzz-transfer-{}-{thread}", std::process::id()))
}
