//! Chunks compressed with zstd or lz4, decompressed without C.

use std::io::{Cursor, Read};

use mcap::{
    McapError, McapResult,
    sans_io::decompressor::{DecompressResult, Decompressor},
};

/// Reads one chunk's compressed bytes; what it holds in `Output` is handed on as there is room.
type Open = fn(Vec<u8>) -> McapResult<Box<dyn Read + Send>>;

/// A decompressor over any reader. The readers of this crate hand a chunk over in one piece, so its bytes are kept and read
/// from memory.
pub(crate) struct Chunks {
    name: &'static str,
    open: Open,
    stream: Option<Box<dyn Read + Send>>,
}

/// zstd, as rosbag2 and the `mcap` command write by default when they compress.
pub(crate) fn zstd() -> Chunks {
    let open: Open = |bytes| {
        let decoder = ruzstd::decoding::StreamingDecoder::new(Cursor::new(bytes));
        Ok(Box::new(decoder.map_err(|error| McapError::DecompressionError(error.to_string()))?))
    };
    Chunks { name: "zstd", open, stream: None }
}

/// lz4, in its frame format.
pub(crate) fn lz4() -> Chunks {
    let open: Open = |bytes| Ok(Box::new(lz4_flex::frame::FrameDecoder::new(Cursor::new(bytes))));
    Chunks { name: "lz4", open, stream: None }
}

impl Decompressor for Chunks {
    fn next_read_size(&self) -> usize {
        0
    }

    fn decompress(&mut self, src: &[u8], dst: &mut [u8]) -> McapResult<DecompressResult> {
        let consumed = src.len();
        if self.stream.is_none() {
            self.stream = Some((self.open)(src.to_vec())?);
        }
        let Some(stream) = &mut self.stream else {
            return Ok(DecompressResult { consumed: 0, wrote: 0 });
        };
        let wrote = stream.read(dst).map_err(|error| McapError::DecompressionError(error.to_string()))?;
        Ok(DecompressResult { consumed, wrote })
    }

    fn reset(&mut self) -> McapResult<()> {
        self.stream = None;
        Ok(())
    }

    fn name(&self) -> &'static str {
        self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "peregrine " twenty times, as python-lz4 4.4 and python-zstandard 0.25 compress it.
    const LZ4: &str =
        "04224d186840c800000000000000d414000000af706572656772696e65200a00a65072696e652000000000";
    const ZSTD: &str = "28b52ffd20c88d000050706572656772696e65200100bb520509";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// As the reader does it: all of the input at once, room for `room` bytes at a time.
    fn decompress(chunks: &mut Chunks, src: &[u8], room: usize) -> McapResult<Vec<u8>> {
        let (mut out, mut src) = (Vec::new(), src);
        while out.len() < 200 {
            let mut part = vec![0; room.min(200 - out.len())];
            let done = chunks.decompress(src, &mut part)?;
            if done.consumed == 0 && done.wrote == 0 {
                break;
            }
            src = &src[done.consumed..];
            out.extend_from_slice(&part[..done.wrote]);
        }
        chunks.reset()?;
        Ok(out)
    }

    #[test]
    fn what_others_compressed_is_read() {
        let text = b"peregrine ".repeat(20);
        for (mut chunks, hex) in [(lz4(), LZ4), (zstd(), ZSTD)] {
            for room in [1, 7, 1000] {
                assert_eq!(decompress(&mut chunks, &bytes(hex), room).unwrap(), text, "{}", chunks.name());
            }
        }
    }

    #[test]
    fn damage_is_an_error_or_an_end() {
        for (mut chunks, hex) in [(lz4(), LZ4), (zstd(), ZSTD)] {
            let whole = bytes(hex);
            for cut in 0..whole.len() {
                let got = decompress(&mut chunks, &whole[..cut], 64);
                assert!(got.is_err() || got.is_ok_and(|got| got.len() <= 200), "{cut}");
                let _ = chunks.reset();
            }
        }
    }
}
