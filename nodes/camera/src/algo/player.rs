//! What all recorded sources have in common: looping, passing over bad frames, counting.

use std::path::{Path, PathBuf};

use super::{FrameShape, FrameSink, FrameSource, ImageInfo, SourceInfo};
use crate::error::{CameraError, Result};

/// One pass over a recording.
pub(super) trait RawSource: Send {
    /// Decodes the next frame; `None` at the end of the pass. After an error the next call goes on behind the frame.
    fn next_raw(&mut self, sink: &mut dyn FrameSink) -> Result<Option<(FrameShape, bool)>>;

    /// Back to the first frame.
    fn rewind(&mut self) -> Result<()>;

    /// The file of the latest frame.
    fn current(&self) -> &Path;
}

/// Plays a recording: once or for ever, strictly or passing over bad frames.
pub(super) struct Player {
    raw: Box<dyn RawSource>,
    whole: PathBuf,
    info: SourceInfo,
    looping: bool,
    skip_bad: bool,
    index: u64,
    good_in_pass: u64,
    bad_in_pass: u64,
    bad: u64,
    last_bad: Option<String>,
}

impl Player {
    /// `whole` names the recording in messages about all of it.
    pub(super) fn new(
        raw: Box<dyn RawSource>,
        whole: &Path,
        info: SourceInfo,
        (looping, skip_bad): (bool, bool),
    ) -> Self {
        Self {
            raw,
            whole: whole.to_path_buf(),
            info,
            looping,
            skip_bad,
            index: 0,
            good_in_pass: 0,
            bad_in_pass: 0,
            bad: 0,
            last_bad: None,
        }
    }

    /// At the end of a pass: whether another one starts. A pass without a good frame is an error, else a loop over
    /// rubbish would spin for ever and say nothing.
    fn turn(&mut self) -> Result<bool> {
        if self.good_in_pass == 0 && self.bad_in_pass > 0 && self.skip_bad {
            let last = self.last_bad.clone().unwrap_or_default();
            return Err(CameraError::NothingGood { file: self.whole.clone(), bad: self.bad_in_pass, last });
        }
        if !self.looping || self.good_in_pass + self.bad_in_pass == 0 {
            return Ok(false);
        }
        (self.good_in_pass, self.bad_in_pass) = (0, 0);
        self.raw.rewind()?;
        Ok(true)
    }
}

impl FrameSource for Player {
    fn info(&self) -> SourceInfo {
        self.info
    }

    fn next(&mut self, sink: &mut dyn FrameSink) -> Result<Option<ImageInfo>> {
        loop {
            match self.raw.next_raw(sink) {
                Ok(Some((shape, written))) => {
                    let index = self.index;
                    self.index += 1;
                    self.good_in_pass += 1;
                    return Ok(Some(ImageInfo { shape, index, written }));
                }
                Ok(None) => {
                    if !self.turn()? {
                        return Ok(None);
                    }
                }
                Err(error) => {
                    self.bad += 1;
                    self.bad_in_pass += 1;
                    if !self.skip_bad || !error.is_one_frame() {
                        return Err(error);
                    }
                    self.last_bad = Some(error.to_string());
                }
            }
        }
    }

    fn current(&self) -> &Path {
        self.raw.current()
    }

    fn bad_frames(&self) -> u64 {
        self.bad
    }

    fn last_bad(&self) -> Option<&str> {
        self.last_bad.as_deref()
    }
}
