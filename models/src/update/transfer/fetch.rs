//! The side that fetches a model from a host. Every answer is a stranger's: the manifest's signature is checked before a byte
//! of anything else is asked for.

use std::path::{Path, PathBuf};

use super::parts::Parts;
use super::{
    CHUNK, LARGEST_MANIFEST, LARGEST_SIGNATURE, Reply, Request, Status, Verb, check_listing, offered,
};
use crate::model::sha256;
use crate::trust::{Standing, standing_of};
use crate::update::bundle::{MANIFEST, read_at_most};
use crate::update::store::{replace_folder, sync_folders, write_synced};
use crate::{Error, Manifest, Result, Trust};

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
        let name: String = manifest.name.chars().map(plain).take(80).collect();
        // The host chooses it: no hidden folder is meant by a model.
        self.name = name.trim_start_matches('.').to_owned();
        if self.name.is_empty() {
            self.name = id[..12].to_owned();
        }
        // Before a byte is fetched in vain.
        self.may_replace()?;
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
        sync_folders(&from, parts.parts.iter().map(|part| part.info.name.as_str()))?;
        self.may_replace()?;
        replace_folder(&from, &to)?;
        Ok(Fetched::Here(to.join(MANIFEST)))
    }

    /// A model that is there is replaced by one of its name; what is no model is somebody's, whatever a host calls its own.
    fn may_replace(&self) -> Result<()> {
        let place = self.into.join(&self.name);
        let manifest = read_at_most(&place.join(MANIFEST), LARGEST_MANIFEST as u64).ok();
        let parsed = manifest.map(|text| Manifest::parse(&String::from_utf8_lossy(&text), MANIFEST));
        if place.symlink_metadata().is_ok() && parsed.is_none_or(|parsed| parsed.is_err()) {
            let detail = format!("{} is there and holds no model; give another --into", place.display());
            return Err(offered(detail));
        }
        Ok(())
    }

    fn stall(&mut self, what: &str) -> Result<()> {
        self.stalls += 1;
        if self.stalls > 8 { Err(lost(what)) } else { Ok(()) }
    }
}

fn lost(detail: &str) -> Error {
    Error::TransferLost { detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::{FileInfo, VERSION};
    use super::*;

    fn listing(name: &str, notice: u64) -> Reply {
        let weights = b"weights";
        let text = format!(
            "name = \"{name}\"\nfile = \"net.onnx\"\nsha256 = \"{}\"\ntask = \"detection\"\norigin = \"made up\"\n\
             labels = [\"person\"]\n[input]\nname = \"x\"\nwidth = 64\nheight = 64\ncolour = \"rgb\"\n[decoder]\n\
             kind = \"yolov8\"\nstrides = [8]\noutputs = [\"y\"]\n[licence]\nspdx = \"MIT\"\nnotices = [\"MIT.txt\"]\n",
            sha256(weights)
        );
        let file = |name: &str, size: u64| FileInfo { name: name.to_owned(), size, sha256: sha256(weights) };
        let files = vec![file("net.onnx", weights.len() as u64), file("MIT.txt", notice)];
        Reply { version: VERSION, status: Status::Ok, data: text.into_bytes(), files, ..Reply::default() }
    }

    #[test]
    fn a_host_names_no_folder_that_is_lost_by_it() {
        let into = tempfile::tempdir().unwrap();
        let fetch = |name: &str, notice: u64| {
            let mut fetch = Fetch::new(into.path(), Trust::AllowUnsigned);
            fetch.next(&listing(name, notice)).map(|_| fetch.name).map_err(|error| error.to_string())
        };
        assert_eq!(fetch(".git", 7), Ok("git".to_owned()));
        std::fs::create_dir_all(into.path().join("src")).unwrap();
        std::fs::write(into.path().join("src/main.rs"), "work of years").unwrap();
        let error = fetch("src", 7).unwrap_err();
        assert!(error.starts_with("PG-1906") && error.contains("holds no model"), "{error}");
        assert!(into.path().join("src/main.rs").is_file());
        // A model of that name is replaced, and no signature covers a licence text: it is short.
        std::fs::write(into.path().join("src/manifest.toml"), listing("src", 7).data).unwrap();
        assert_eq!(fetch("src", 7), Ok("src".to_owned()));
        let error = fetch("src", 1 << 30).unwrap_err();
        assert!(error.contains("`MIT.txt` has 1073741824 bytes, 1048576 are allowed"), "{error}");
    }
}
