//! The host's side: takes models in, gives the present one out, says what runs. Everything it is told is a stranger's.

use std::fs;
use std::path::{Path, PathBuf};

use super::order::{LARGEST_ORDER, Order, Record};
use super::parts::{Parts, hash_file, read_at};
use super::{
    CHUNK, FileInfo, LARGEST_MANIFEST, LARGEST_SIGNATURE, Reply, Request, Status, VERSION, Verb,
    check_listing, is_sha256, offered,
};
use crate::model::sha256;
use crate::trust::{Purpose, Standing, standing_for, standing_of};
use crate::update::bundle::MANIFEST;
use crate::update::inbox::INCOMING;
use crate::update::revert;
use crate::update::store::{STATE, State, failed, sync_folder, sync_folders, write_synced};
use crate::{Error, Manifest, Result, Trust};

/// Where models lie while they come.
const TRANSFER: &str = "transfer";
/// Another model may take the place of one that has not moved for so long.
const PATIENCE_NS: i64 = 60_000_000_000;

/// What a dock may do.
#[derive(Clone, Debug)]
pub struct DockOptions {
    /// The detector's store.
    pub store: PathBuf,
    /// What this host is called, see [`host_of_service`](super::host_of_service): orders name it.
    pub host: String,
    /// Whose models are taken, and whose orders are obeyed.
    pub trust: Trust,
    /// Whether the present model may be fetched from here.
    pub gives: bool,
}

/// The host's side of transfers.
pub struct Dock {
    options: DockOptions,
    upload: Option<Upload>,
    /// Called before every step that touches the disk: tests cut the power there.
    step: Box<dyn FnMut(&'static str) + Send>,
}

struct Upload {
    model: String,
    parts: Parts,
    last_ns: i64,
}

impl std::fmt::Debug for Dock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dock").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Where a model is found on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Waiting,
    Active,
    OnTrial,
}

impl Dock {
    /// A dock at a store, which is made if it is not there.
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn open(options: DockOptions) -> Result<Self> {
        Self::open_stepwise(options, Box::new(|_| {}))
    }

    /// The same, calling `step` before everything that touches the disk.
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn open_stepwise(options: DockOptions, step: Box<dyn FnMut(&'static str) + Send>) -> Result<Self> {
        fs::create_dir_all(&options.store).map_err(failed("create", &options.store))?;
        let mut dock = Self { options, upload: None, step };
        // One that cannot be read is told to who gives the next order.
        if let Ok(record) = Record::read(&dock.options.store) {
            dock.carry_out(record)?;
        }
        Ok(dock)
    }

    /// Takes one step. `now_ns` is any clock that does not run backwards; `values` are what `Info` says beside the store's
    /// own.
    pub fn answer(
        &mut self,
        request: &Request,
        now_ns: i64,
        values: &mut dyn FnMut() -> Vec<(String, String)>,
    ) -> Reply {
        let reply = if request.version == VERSION {
            match Verb::from_wire(request.verb) {
                Some(Verb::Info) => self.info(values),
                Some(Verb::Offer) => self.offer(request, now_ns),
                Some(Verb::Chunk) => self.chunk(request, now_ns),
                Some(Verb::Commit) => self.commit(request),
                Some(Verb::Revert) => self.revert(request),
                Some(Verb::List) => self.list(),
                Some(Verb::Read) => self.read(request),
                None => Err(offered(format!("there is no step number {}", request.verb))),
            }
        } else {
            Err(Error::TransferVersion { found: request.version, own: VERSION })
        };
        reply.unwrap_or_else(|error| Reply { detail: error.to_string(), ..Reply::new(Status::Refused) })
    }

    fn state(&self) -> State {
        // A state that cannot be read is the detector's to complain about.
        let path = self.options.store.join(STATE);
        fs::read_to_string(&path).ok().and_then(|text| State::parse(&text, &path).ok()).unwrap_or_default()
    }

    fn folder(&self, place: Place) -> Option<PathBuf> {
        let (root, state) = (&self.options.store, self.state());
        match place {
            Place::Waiting => Some(root.join(INCOMING)),
            Place::Active => state.active.map(|slot| root.join(slot.folder())),
            Place::OnTrial => state.trial.map(|slot| root.join(slot.folder())),
        }
    }

    fn id_at(&self, place: Place) -> Option<String> {
        fs::read(self.folder(place)?.join(MANIFEST)).ok().map(|text| sha256(&text))
    }

    fn place_of(&self, model: &str) -> Option<Place> {
        let all = [Place::Waiting, Place::Active, Place::OnTrial];
        all.into_iter().find(|place| self.id_at(*place).is_some_and(|id| id == model))
    }

    fn info(&self, values: &mut dyn FnMut() -> Vec<(String, String)>) -> Result<Reply> {
        let state = self.state();
        let mut all = values();
        let mut add =
            |key: &str, value: Option<String>| all.extend(value.map(|value| (key.to_owned(), value)));
        add("active", self.id_at(Place::Active));
        add("trial", self.id_at(Place::OnTrial));
        add("waiting", self.id_at(Place::Waiting));
        add("rolled_back", (!state.bad.is_empty()).then(|| state.bad.join(" ")));
        add("gives", Some(self.options.gives.to_string()));
        Ok(Reply { values: all, ..Reply::new(Status::Ok) })
    }

    fn offer(&mut self, request: &Request, now_ns: i64) -> Result<Reply> {
        if request.data.len() > LARGEST_MANIFEST || request.signature.len() > LARGEST_SIGNATURE {
            return Err(offered("its manifest or signature is too long to be one"));
        }
        let signature = Some(request.signature.as_str()).filter(|text| !text.is_empty());
        standing_of(Path::new("the offered manifest"), &request.data, signature, &self.options.trust)?;
        let (_, model) = check_listing(&request.data, signature.is_some(), &request.files)?;
        let accepted = |have: Vec<u64>| Reply {
            model: model.clone(),
            files: request.files.clone(),
            have,
            ..Reply::new(Status::Ok)
        };
        if self.place_of(&model).is_some() {
            return Ok(accepted(request.files.iter().map(|file| file.size).collect()));
        }
        if self.state().bad.contains(&model) {
            return Err(Error::KnownBad { id: model });
        }
        if let Some(upload) = &self.upload
            && upload.model != model
            && now_ns.saturating_sub(upload.last_ns) < PATIENCE_NS
        {
            return Err(Error::TransferBusy { model: upload.model.clone() });
        }
        let root = self.options.store.join(TRANSFER);
        let folder = root.join(&model);
        (self.step)("clear other transfers");
        clear_others(&root, &model)?;
        (self.step)("begin the transfer");
        let parts = Parts::open(&folder, &request.files)?;
        write_synced(&folder.join(MANIFEST), &request.data, &mut self.step)?;
        let beside = folder.join(format!("{MANIFEST}.sig"));
        match signature {
            Some(text) => write_synced(&beside, text.as_bytes(), &mut self.step)?,
            None if beside.exists() => fs::remove_file(&beside).map_err(failed("clear", &beside))?,
            None => {}
        }
        let have = parts.parts.iter().map(|part| part.have).collect();
        let reply = accepted(have);
        self.upload = Some(Upload { model, parts, last_ns: now_ns });
        Ok(reply)
    }

    fn chunk(&mut self, request: &Request, now_ns: i64) -> Result<Reply> {
        let Some(upload) = self.upload.as_mut().filter(|upload| upload.model == request.model) else {
            return Ok(Reply::new(Status::Unknown));
        };
        let index = upload.parts.find(&request.name);
        let index = index.ok_or_else(|| offered("it sends a file that the offer did not name"))?;
        let part = &upload.parts.parts[index];
        let (have, size, count) = (part.have, part.info.size, request.data.len() as u64);
        if count == 0 || count > CHUNK as u64 {
            return Err(offered(format!("it sends {count} bytes at once, 1 to {CHUNK} are allowed")));
        }
        if request.offset.checked_add(count).is_none_or(|end| end > size) {
            return Err(offered(format!("it sends bytes beyond the {size} that were offered")));
        }
        upload.last_ns = now_ns;
        let at = |status, offset| Reply {
            model: request.model.clone(),
            name: request.name.clone(),
            offset,
            ..Reply::new(status)
        };
        if request.offset + count <= have {
            // Sent twice, as after an answer that was lost.
            return Ok(at(Status::Ok, have));
        }
        if request.offset != have || sha256(&request.data) != request.sha256 {
            return Ok(at(Status::Resend, have));
        }
        (self.step)("write a chunk");
        upload.parts.append(index, &request.data, &mut || (self.step)("half of a chunk is written"))?;
        let have = upload.parts.parts[index].have;
        if have == size && !upload.parts.prove(index)? {
            return Ok(at(Status::Resend, 0));
        }
        Ok(at(Status::Ok, have))
    }

    fn commit(&mut self, request: &Request) -> Result<Reply> {
        let model = request.model.clone();
        let done = |model| Ok(Reply { model, ..Reply::new(Status::Ok) });
        if is_sha256(&model) && self.place_of(&model).is_some() {
            self.upload.take_if(|upload| upload.model == model);
            return done(model);
        }
        let Some(upload) = self.upload.as_mut().filter(|upload| upload.model == model) else {
            return Ok(Reply::new(Status::Unknown));
        };
        for index in 0..upload.parts.parts.len() {
            let part = &upload.parts.parts[index];
            let whole = part.have == part.info.size;
            if !whole || !upload.parts.prove(index)? {
                let part = &upload.parts.parts[index];
                let (name, offset) = (part.info.name.clone(), part.have);
                return Ok(Reply { model, name, offset, ..Reply::new(Status::Resend) });
            }
        }
        let (root, from) = (&self.options.store, upload.parts.folder.clone());
        let to = root.join(INCOMING);
        (self.step)("sync the transfer");
        sync_folders(&from, upload.parts.parts.iter().map(|part| part.info.name.as_str()))?;
        (self.step)("clear what waited before");
        if to.exists() {
            fs::remove_dir_all(&to).map_err(failed("clear", &to))?;
        }
        (self.step)("move the model to where it is looked for");
        fs::rename(&from, &to).map_err(failed("move the model to", &to))?;
        (self.step)("sync the store's folder");
        sync_folder(root)?;
        self.upload = None;
        done(model)
    }

    fn revert(&mut self, request: &Request) -> Result<Reply> {
        if request.data.len() > LARGEST_ORDER || request.signature.len() > LARGEST_SIGNATURE {
            return Err(offered("its order or signature is too long to be one"));
        }
        let signature = Some(request.signature.as_str()).filter(|text| !text.is_empty());
        let (what, trust) = (Path::new("the order"), &self.options.trust);
        let standing = standing_for(Purpose::Order, what, &request.data, signature, trust)?;
        let order = Order::parse(&request.data)?;
        if order.give_up != request.model {
            return Err(offered("it names another model than its order"));
        }
        if order.host != self.options.host {
            let own = self.options.host.clone();
            return Err(Error::OrderElsewhere { host: super::one_line(&order.host), own });
        }
        let by = match standing {
            Standing::Signed { key, .. } => key,
            _ => "unsigned".to_owned(),
        };
        let mut record = Record::read(&self.options.store)?;
        let runs = matches!(self.place_of(&order.give_up), Some(Place::Active | Place::OnTrial));
        if record.admit(&by, &order)? {
            record.write(&self.options.store, &mut self.step)?;
            self.carry_out(record)?;
        }
        let detail = if runs { "it is given up" } else { "it does not run here" };
        Ok(Reply { model: order.give_up, detail: detail.to_owned(), ..Reply::new(Status::Ok) })
    }

    /// What was ordered and not done yet.
    fn carry_out(&mut self, mut record: Record) -> Result<()> {
        let open = record.open();
        for model in &open {
            if self.id_at(Place::Waiting).as_ref() == Some(model) {
                let folder = self.options.store.join(INCOMING);
                (self.step)("clear what waited before");
                fs::remove_dir_all(&folder).map_err(failed("clear", &folder))?;
            }
            // A candidate in the shadow waits and is being tried at once: the detector is told in either case.
            revert::ask(&self.options.store, model, &mut self.step)?;
        }
        if open.is_empty() {
            return Ok(());
        }
        record.close();
        record.write(&self.options.store, &mut self.step)
    }

    /// The model that is given out: text, id, and its folder.
    fn given(&self) -> Result<(Vec<u8>, String, PathBuf)> {
        if !self.options.gives {
            return Err(Error::NotGiven);
        }
        let folder = self.folder(Place::Active).ok_or(Error::NothingToGive)?;
        let path = folder.join(MANIFEST);
        let text = fs::read(&path).map_err(failed("read", &path))?;
        let id = sha256(&text);
        Ok((text, id, folder))
    }

    fn list(&self) -> Result<Reply> {
        let (text, model, folder) = self.given()?;
        let manifest = Manifest::parse(&String::from_utf8_lossy(&text), MANIFEST)?;
        let mut files = Vec::new();
        for name in manifest.names() {
            let path = folder.join(name);
            let size = fs::metadata(&path).map_err(failed("read", &path))?.len();
            files.push(FileInfo { sha256: hash_file(&path)?, size, name: name.to_owned() });
        }
        let signature = fs::read_to_string(folder.join(format!("{MANIFEST}.sig"))).unwrap_or_default();
        Ok(Reply { model, data: text, signature, files, ..Reply::new(Status::Ok) })
    }

    fn read(&self, request: &Request) -> Result<Reply> {
        let (text, model, folder) = self.given()?;
        if model != request.model {
            return Ok(Reply::new(Status::Unknown));
        }
        let manifest = Manifest::parse(&String::from_utf8_lossy(&text), MANIFEST)?;
        if !super::is_inside(&request.name) || !manifest.names().contains(&request.name.as_str()) {
            return Err(offered("it asks for a file that the manifest does not name"));
        }
        let data = read_at(&folder.join(&request.name), request.offset, CHUNK)?;
        Ok(Reply {
            model,
            name: request.name.clone(),
            offset: request.offset,
            sha256: sha256(&data),
            data,
            ..Reply::new(Status::Ok)
        })
    }
}

/// At most one model is on its way: the disk is bounded by its sizes ([`check_listing`]).
fn clear_others(root: &Path, model: &str) -> Result<()> {
    let Ok(entries) = fs::read_dir(root) else { return Ok(()) };
    for entry in entries.flatten().filter(|entry| entry.file_name() != model) {
        let path = entry.path();
        let cleared = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        cleared.map_err(failed("clear", &path))?;
    }
    Ok(())
}
