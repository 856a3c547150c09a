//! Files that grow on disk, a chunk at a time, and are what their hashes say when they are whole.
//!
//! Invariant: what is on disk is a prefix of the file; after the power was cut its end may be anything, which the hash of the
//! whole file finds out: then the file is begun anew.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::FileInfo;
use crate::model::hex;
use crate::update::store::failed;
use crate::{Error, Result};

/// How much may wait in the system's memory: what a power cut costs, and how long `sync` takes.
const SYNC_EVERY: u64 = 8 << 20;

/// One file.
#[derive(Debug)]
pub(super) struct Part {
    pub info: FileInfo,
    /// Bytes on disk.
    pub have: u64,
    /// It was found to be what its hash says.
    pub proven: bool,
}

/// All files of a model.
#[derive(Debug)]
pub(super) struct Parts {
    pub folder: PathBuf,
    pub parts: Vec<Part>,
    /// The one that grows, and what of it is not synced.
    open: Option<(usize, File, u64)>,
}

impl Parts {
    /// Finds what is there already.
    pub fn open(folder: &Path, files: &[FileInfo]) -> Result<Self> {
        fs::create_dir_all(folder).map_err(failed("create", folder))?;
        let mut parts = Vec::with_capacity(files.len());
        for info in files {
            let path = folder.join(&info.name);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(failed("create", parent))?;
            let mut have = fs::metadata(&path).map_or(0, |meta| meta.len());
            if have > info.size {
                fs::remove_file(&path).map_err(failed("clear", &path))?;
                have = 0;
            }
            if info.size == 0 {
                File::create(&path).map_err(failed("create", &path))?;
            }
            parts.push(Part { info: info.clone(), have, proven: false });
        }
        Ok(Self { folder: folder.to_owned(), parts, open: None })
    }

    pub fn find(&self, name: &str) -> Option<usize> {
        self.parts.iter().position(|part| part.info.name == name)
    }

    /// The first file that is not whole yet.
    pub fn unfinished(&self) -> Option<usize> {
        self.parts.iter().position(|part| part.have < part.info.size)
    }

    /// Adds to the end of a file. `half` is called with half of it written, where a test cuts the power.
    pub fn append(&mut self, index: usize, data: &[u8], half: &mut dyn FnMut()) -> Result<()> {
        let path = self.path(index);
        let (mut file, mut unsynced) = match self.open.take() {
            Some((open, file, unsynced)) if open == index => (file, unsynced),
            other => {
                if let Some((_, file, _)) = other {
                    file.sync_data().map_err(failed("sync", &path))?;
                }
                let file = OpenOptions::new().create(true).append(true).open(&path);
                (file.map_err(failed("write", &path))?, 0)
            }
        };
        let (first, second) = data.split_at(data.len() / 2);
        let written = file.write_all(first).and_then(|()| {
            half();
            file.write_all(second)
        });
        if let Err(error) = written {
            // As on a full disk: what is there stays a prefix, and its length is what is believed.
            self.parts[index].have = fs::metadata(&path).map_or(0, |meta| meta.len());
            return Err(failed("write", &path)(error));
        }
        unsynced += data.len() as u64;
        if unsynced >= SYNC_EVERY {
            file.sync_data().map_err(failed("sync", &path))?;
            unsynced = 0;
        }
        let part = &mut self.parts[index];
        part.have += data.len() as u64;
        if part.have < part.info.size {
            self.open = Some((index, file, unsynced));
        } else {
            file.sync_all().map_err(failed("sync", &path))?;
        }
        Ok(())
    }

    /// Whether a whole file is what its hash says; if not, it is begun anew.
    pub fn prove(&mut self, index: usize) -> Result<bool> {
        let path = self.path(index);
        if !self.parts[index].proven {
            if hash_file(&path)? == self.parts[index].info.sha256 {
                self.parts[index].proven = true;
            } else {
                fs::remove_file(&path).map_err(failed("clear", &path))?;
                self.parts[index].have = 0;
            }
        }
        Ok(self.parts[index].proven)
    }

    fn path(&self, index: usize) -> PathBuf {
        self.folder.join(&self.parts[index].info.name)
    }
}

/// SHA-256 of a file of any size.
pub(super) fn hash_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(failed("read", path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer).map_err(failed("read", path))? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(&buffer[..count]),
        }
    }
}

/// At most `most` bytes of a file from `offset` on.
pub(super) fn read_at(path: &Path, offset: u64, most: usize) -> Result<Vec<u8>> {
    use std::io::Seek;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(std::io::SeekFrom::Start(offset))?;
        let mut data = Vec::with_capacity(most);
        file.take(most as u64).read_to_end(&mut data)?;
        Ok(data)
    };
    read().map_err(|source| Error::File { action: "read", path: path.to_owned(), source })
}
