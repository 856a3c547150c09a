//! The side that fetches a model from a host. Every answer is a stranger's: the manifest's signature is checked before a byte
//! of anything else is asked for.

use std::path::{Path, PathBuf};

use super::parts::Parts;
use super::{CHUNK, LARGEST_SIGNATURE, Reply, Request, Status, Verb, check_listing, offered};
use crate::model::sha256;
use crate::trust::{Standing, standing_of};
use crate::update::bundle::MANIFEST;
use crate::update::store::{failed, sync_folder, write_synced};
use crate::{Error, Result, Trust};

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// Send this and hand the answer to [`Fetch::next`].
    Send(Request),
    /// The model is here: its manifest.
    Here(PathBuf),
}

/// Fetches into a folder.
pub struct Fetch {
    into: PathBuf,
    trust: Trust,
    standing: Option<Standing>,
    name: String,
    id: String,
    parts: Option<Parts>,
    stalls: u32,
    /// How often whole files were not what their hashes say.
    damaged: u32,
}

impl Fetch {
    /// Into `into/NAME/`, NAME being what the manifest calls the model.
    pub fn new(into: &Path, trust: Trust) -> Self {
        Self {
            into: into.to_owned(),
            trust,
            standing: None,
            name: String::new(),
            id: String::new(),
            parts: None,
            stalls: 0,
            damaged: 0,
        }
    }

    /// The first step, and the one after a cut.
    pub fn list(&mut self) -> Request {
        self.parts = None;
        Request::new(Verb::List)
    }

    /// Who has signed it, once that is known.
    pub fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()
    }

    /// Bytes that are here, and all.
    pub fn progress(&self) -> (u64, u64) {
        let parts = self.parts.iter().flat_map(|parts| &parts.parts);
        parts.fold((0, 0), |(have, all), part| (have + part.have, all + part.info.size))
    }

    /// The next step after an answer.
    ///
    /// # Errors
    /// `PG-1907`, `PG-1908` when the host refuses, `PG-0460` to `PG-0463` for a stranger's model, `PG-1906` for one that no
    /// robot would take, `PG-1909` when the bytes are not what the host said, `PG-0401`.
    pub fn next(&mut self, reply: &Reply) -> Result<Fetched> {
        reply.accepted()?;
        if reply.status == Status::Unknown {
            // It runs another one now.
            self.stall("the host changes its model again and again")?;
            return Ok(Fetched::Send(self.list()));
        }
        match &mut self.parts {
            None => self.begin(reply)?,
            Some(parts) => {
                let Some(index) = parts.find(&reply.name) else {
                    return Err(lost("the host sends a file that was not asked for"));
                };
                let part = &parts.parts[index];
                let fits = reply.offset == part.have
                    && !reply.data.is_empty()
                    && reply.data.len() <= CHUNK
                    && part.have + reply.data.len() as u64 <= part.info.size
                    && sha256(&reply.data) == reply.sha256;
                if fits {
                    parts.append(index, &reply.data, &mut || ())?;
                    self.stalls = 0;
                } else {
                    self.stall("the host sends other bytes than it was asked for")?;
                }
            }
        }
        self.step()
    }

    fn begin(&mut self, reply: &Reply) -> Result<()> {
        if reply.signature.len() > LARGEST_SIGNATURE {
            return Err(offered("its signature is too long to be one"));
        }
        let signature = Some(reply.signature.as_str()).filter(|text| !text.is_empty());
        let place = Path::new("the host's model");
        self.standing = Some(standing_of(place, &reply.data, signature, &self.trust)?);
        let (manifest, id) = check_listing(&reply.data, signature.is_some(), &reply.files)?;
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        self.name = manifest.name.chars().map(plain).take(80).collect();
        if self.name.trim_matches('.').is_empty() {
            self.name = id[..12].to_owned();
        }
        let folder = self.into.join(format!(".fetch-{id}"));
        self.id = id;
        let parts = Parts::open(&folder, &reply.files)?;
        let mut silent: Box<dyn FnMut(&'static str) + Send> = Box::new(|_| {});
        write_synced(&folder.join(MANIFEST), &reply.data, &mut silent)?;
        if let Some(text) = signature {
            write_synced(&folder.join(format!("{MANIFEST}.sig")), text.as_bytes(), &mut silent)?;
        }
        self.parts = Some(parts);
        Ok(())
    }

    fn step(&mut self) -> Result<Fetched> {
        let Some(parts) = &mut self.parts else { return Ok(Fetched::Send(self.list())) };
        loop {
            if let Some(index) = parts.unfinished() {
                let part = &parts.parts[index];
                return Ok(Fetched::Send(Request {
                    model: self.id.clone(),
                    name: part.info.name.clone(),
                    offset: part.have,
                    ..Request::new(Verb::Read)
                }));
            }
            let mut whole = true;
            for index in 0..parts.parts.len() {
                whole &= parts.prove(index)?;
            }
            if whole {
                break;
            }
            self.damaged += 1;
            if self.damaged > 3 {
                return Err(lost("the files that come are not those whose hashes the host gave"));
            }
        }
        let (from, to) = (parts.folder.clone(), self.into.join(&self.name));
        sync_folder(&from)?;
        if to.exists() {
            std::fs::remove_dir_all(&to).map_err(failed("replace", &to))?;
        }
        std::fs::rename(&from, &to).map_err(failed("move the model to", &to))?;
        sync_folder(&self.into)?;
        Ok(Fetched::Here(to.join(MANIFEST)))
    }

    fn stall(&mut self, what: &str) -> Result<()> {
        self.stalls += 1;
        if self.stalls > 8 { Err(lost(what)) } else { Ok(()) }
    }
}

fn lost(detail: &str) -> Error {
    Error::TransferLost { detail: detail.to_owned() }
}
