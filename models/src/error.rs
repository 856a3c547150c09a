//! What can go wrong between a model's name and its boxes: cause, offending value, remedy, and a stable code. PG-04xx; updates PG-19xx.

use std::path::PathBuf;

use crate::suggest::{at_line, nearest};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything this crate refuses to do, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("PG-0401 cannot {action} {}: {source}; check that the path exists and that you may access it", path.display())]
    File {
        /// What was attempted, e.g. "read the manifest".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The manifest is not the TOML it should be: broken syntax, a missing key or a value of the wrong type.
    #[error("PG-0402 {manifest}:{line}: {message}; mend this line of the manifest")]
    ManifestSyntax {
        /// Name of the manifest.
        manifest: String,
        /// Line, counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// The manifest holds a key (or the name of a choice) that nobody reads.
    #[error("PG-0403 {manifest}:{line}: unknown {what} `{found}`{}; known here: {known}", nearest(.suggestion))]
    ManifestUnknown {
        /// Name of the manifest.
        manifest: String,
        /// Line, counted from 1.
        line: usize,
        /// "key" or "value".
        what: &'static str,
        /// What stands there.
        found: String,
        /// The nearest known one.
        suggestion: Option<String>,
        /// All known ones, comma separated.
        known: String,
    },
    /// A value of the manifest has the right type and cannot be meant.
    #[error("PG-0404 {manifest}:{line}: `{key}` is {value}, {reason}; {remedy}")]
    ManifestValue {
        /// Name of the manifest.
        manifest: String,
        /// Line, counted from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// Why it is refused.
        reason: &'static str,
        /// What to write instead.
        remedy: &'static str,
    },
    /// The weights a manifest names are not there.
    #[error("PG-0405 {manifest}:{line}: the {what} {} does not exist; put the file there or mend `{key}`", path.display())]
    ManifestFile {
        /// Name of the manifest.
        manifest: String,
        /// Line, counted from 1.
        line: usize,
        /// What kind of file it is.
        what: &'static str,
        /// The key that names it.
        key: &'static str,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The weights are not the ones the manifest was written for.
    #[error(
        "PG-0406 {manifest}:{line}: the weights {file} have SHA-256 {found}, the manifest expects {expected}; fetch the \
         weights again, or set `sha256` to the value found if they were changed on purpose"
    )]
    Hash {
        /// Name of the manifest.
        manifest: String,
        /// Line of `sha256`, counted from 1.
        line: usize,
        /// The weights.
        file: String,
        /// Hash in the manifest.
        expected: String,
        /// Hash of the file.
        found: String,
    },
    /// The file is not an ONNX network, or is cut off or damaged.
    #[error("PG-0407 {model} is not a readable ONNX network: {detail}; fetch or export the file again")]
    NotOnnx {
        /// Name or path of the model.
        model: String,
        /// What the reader said.
        detail: String,
    },
    /// The network's inputs or outputs are not what the manifest says.
    #[error("PG-0408 {model}: {what} is {found}, the manifest asks for {expected}; {remedy}")]
    Shape {
        /// Name or path of the model.
        model: String,
        /// Which tensor, e.g. "output `cls_8`".
        what: String,
        /// What the network has.
        found: String,
        /// What the manifest needs.
        expected: String,
        /// Which key to mend.
        remedy: Box<str>,
    },
    /// The number of labels is not the number of classes of the network.
    #[error(
        "PG-0409 {manifest}:{line}: {labels} labels are given and the network has {classes} classes; mend `labels` or \
         `labels_file`"
    )]
    LabelCount {
        /// Name of the manifest.
        manifest: String,
        /// Line of the labels, counted from 1.
        line: usize,
        /// Labels in the manifest.
        labels: usize,
        /// Classes in the network.
        classes: usize,
    },
    /// No embedded model has this name and it is no file either.
    #[error(
        "PG-0410 there is no model `{name}`{}; embedded models: {known}; or give the path of a manifest (.toml) or of a \
         network (.onnx)", nearest(.suggestion)
    )]
    UnknownModel {
        /// What was asked for.
        name: String,
        /// The nearest embedded name.
        suggestion: Option<String>,
        /// All embedded names.
        known: String,
    },
    /// A bare .onnx file whose family cannot be recognised by its inputs and outputs.
    #[error(
        "PG-0411 {} has {found}: no known family of detectors (YOLOX, YOLOv8, NanoDet, FastestDet) looks so; write a manifest \
         (.toml) beside it and give that path instead", path.display()
    )]
    UnknownNetwork {
        /// The file.
        path: PathBuf,
        /// Its inputs and outputs.
        found: String,
    },
    /// An option of [`crate::LoadOptions`] is out of range.
    #[error("PG-0412 the option `{option}` is {value}; {remedy}")]
    Option {
        /// Which one.
        option: &'static str,
        /// Its value.
        value: String,
        /// The range.
        remedy: String,
    },
    /// ONNX Runtime was asked for and no library was found.
    #[error(
        "PG-0420 no ONNX Runtime library was found; looked at: {searched}; run `peregrine setup`, or set ORT_DYLIB_PATH \
         to a libonnxruntime, or choose the backend `tract`"
    )]
    LibraryMissing {
        /// Where it was looked for.
        searched: String,
    },
    /// A file that should be the ONNX Runtime library cannot be loaded.
    #[error(
        "PG-0421 {} cannot be loaded as ONNX Runtime: {detail}; fetch it again with `peregrine setup`, or set \
         ORT_DYLIB_PATH to another one", path.display()
    )]
    LibraryBroken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The library is ONNX Runtime, of a version that lacks functions we call.
    #[error(
        "PG-0422 {} is too old: {detail}; at least ONNX Runtime 1.18 is needed: fetch a newer one with `peregrine setup`",
        path.display()
    )]
    LibraryTooOld {
        /// The file.
        path: PathBuf,
        /// Which version it is.
        detail: String,
    },
    /// A process can load one ONNX Runtime only, and another one is loaded.
    #[error(
        "PG-0423 ONNX Runtime is loaded from {} already and a process can hold one only; start another process to use {}",
        loaded.display(), wanted.display()
    )]
    LibraryOther {
        /// The one in use.
        loaded: PathBuf,
        /// The one asked for.
        wanted: PathBuf,
    },
    /// The execution provider asked for is unknown or this library was built without it.
    #[error(
        "PG-0424 the execution provider `{provider}` is not available: {detail}; use `cpu`, or an ONNX Runtime that was \
         built with it (ORT_DYLIB_PATH); nothing falls back to the CPU silently"
    )]
    Provider {
        /// What was asked for.
        provider: String,
        /// Why it cannot be used.
        detail: String,
    },
    /// The backend refused the network or failed while running it.
    #[error(
        "PG-0425 {backend} failed to {action} {model}: {detail}; try the other backend (`ort` or `tract`)"
    )]
    Backend {
        /// Which backend.
        backend: &'static str,
        /// "load" or "run".
        action: &'static str,
        /// Name or path of the model.
        model: String,
        /// What it said.
        detail: String,
    },
    /// An inference gave numbers no detector gives.
    #[error(
        "PG-0426 {what} of {model} on {backend} gave a value that is not finite in output `{output}`; the weights are damaged or \
         this provider cannot run the network: try the backend `tract`, the provider `cpu` or the precision `native`"
    )]
    NotFinite {
        /// Which inference.
        what: &'static str,
        /// Name or path of the model.
        model: String,
        /// Which backend.
        backend: String,
        /// Which output.
        output: String,
    },
    /// The test inference gave other numbers than the manifest promises.
    #[error(
        "PG-0427 the test inference of {model} on {engine} differs by {difference:.1} % in output `{output}` from the \
         manifest's golden values, {allowed:.1} % is allowed; this library or driver does not compute the network: try \
         the provider `cpu`, or write new values with `peregrine model verify --write-golden` if the network was changed"
    )]
    Golden {
        /// Name or path of the model.
        model: String,
        /// Engine, library and provider.
        engine: String,
        /// Which output.
        output: String,
        /// Root mean square difference, percent.
        difference: f32,
        /// The manifest's limit, percent.
        allowed: f32,
    },
    /// The image handed in does not hold what its header says.
    #[error(
        "PG-0440 an image of {width}x{height} {format}, step {step}, with {bytes} bytes cannot be read: {reason}"
    )]
    Image {
        /// Pixels per row.
        width: usize,
        /// Rows.
        height: usize,
        /// Pixel format.
        format: &'static str,
        /// Bytes per row.
        step: usize,
        /// Bytes given.
        bytes: usize,
        /// What does not fit, and what would.
        reason: String,
    },
    /// A pixel format this crate does not read.
    #[error("PG-0441 images of encoding `{encoding}` cannot be read by a detector; known: {known}")]
    Encoding {
        /// The name given.
        encoding: String,
        /// Names that would do.
        known: &'static str,
    },
    /// No usable wheel lies in the folder handed to the installer.
    #[error(
        "PG-0450 {} holds no onnxruntime wheel for this machine ({platform}); fetch one there with `python3 -m pip \
         download --no-deps onnxruntime`", folder.display()
    )]
    WheelMissing {
        /// The folder.
        folder: PathBuf,
        /// Operating system and processor.
        platform: String,
    },
    /// The wheel is damaged or does not hold the library.
    #[error("PG-0451 the wheel {} cannot be used: {detail}; delete it and fetch it again", path.display())]
    Wheel {
        /// The wheel.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A model nobody trusted has signed.
    #[error(
        "PG-0460 {} is not signed: {detail}; sign it with `peregrine model sign`, or load it all the same with \
         --allow-unsigned (parameter `allow_unsigned`)", path.display()
    )]
    Unsigned {
        /// The manifest or network.
        path: PathBuf,
        /// What is missing.
        detail: String,
    },
    /// A signature that does not fit.
    #[error(
        "PG-0461 {} must not be trusted: {detail}; fetch it again from its maker, or sign it anew if you changed it",
        path.display()
    )]
    BadSignature {
        /// The signed file.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// A signature by a key that is not trusted.
    #[error(
        "PG-0462 {} is signed by the key {key}, and {detail}; `peregrine model keys` shows the ring and takes a newer one",
        signed.display()
    )]
    UntrustedKey {
        /// The key.
        key: String,
        /// The signed file.
        signed: PathBuf,
        /// Why it is not trusted.
        detail: String,
    },
    /// A model that its fleet has given up for good.
    #[error("PG-0464 {} must not be used any more, its key ring says: {why}; push a newer model", path.display())]
    Retired {
        /// The manifest.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A file of keys or a signature that cannot be used.
    #[error("PG-0463 {} cannot be used: {detail}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Labelled photos that cannot be used.
    #[error(
        "PG-0470 {}{}: {detail}; a dataset is COCO's JSON beside its photos, or images/NAME.jpg with labels/NAME.txt \
         (`class cx cy w h` in shares of the sides)", path.display(), at_line(.line)
    )]
    Dataset {
        /// The folder or file.
        path: PathBuf,
        /// Line, counted from 1; 0 when it is no matter of a line.
        line: usize,
        /// What is wrong.
        detail: String,
    },
    /// A photo that cannot be read.
    #[error("PG-0471 {} is no readable JPEG or PNG: {detail}; take it out of the dataset or fetch it again", path.display())]
    Photo {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        detail: String,
    },
    /// A network that the quantizer cannot take.
    #[error("PG-0480 {model} cannot be quantized: {detail}")]
    Quantize {
        /// Name or path of the model.
        model: String,
        /// Why, and what to do.
        detail: String,
    },
    /// The quantized network lost too much.
    #[error(
        "PG-0481 {model} would lose {drop:.4} AP ({before:.4} to {after:.4}) and {allowed} is allowed: nothing was \
         written; calibrate with more photos of the same kind (--calib), or allow more (--max-drop)"
    )]
    AccuracyDrop {
        /// Name of the quantized model.
        model: String,
        /// Average precision before.
        before: f64,
        /// Average precision after.
        after: f64,
        /// The difference.
        drop: f64,
        /// The limit.
        allowed: f64,
    },
    /// The photos of the verdict tell no good network from a destroyed one.
    #[error(
        "PG-0483 {model} cannot be judged: on the {photos} photos of the verdict the fp32 network itself has an AP of {before:.4} and \
         {allowed} may go, so a destroyed one would pass; nothing was written. See with `peregrine model eval` whether labels, colours \
         and input fit, and give labelled photos (--val) that it knows, or allow less (--max-drop)"
    )]
    NothingToLose {
        /// Name of the quantized model.
        model: String,
        /// How many photos.
        photos: usize,
        /// Average precision before.
        before: f64,
        /// The limit.
        allowed: f64,
    },
    /// Too little was seen to speak of shares.
    #[error(
        "PG-0482 {data} gives {photos} photos and {detections} detections, and a reference needs {least} of each; give more photos of what the robot will see"
    )]
    FewPhotos {
        /// The photos, as reports call them.
        data: String,
        /// How many there were.
        photos: u64,
        /// What was found on them.
        detections: u64,
        /// How many are needed.
        least: u64,
    },
    /// A file of a model that is too large to be one.
    #[error("PG-1901 {} has {bytes} bytes and {most} are allowed; is it the right file?", path.display())]
    BundleTooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// A model that travelled and did not arrive whole.
    #[error("PG-1902 the model cannot be taken: {detail}; send it again")]
    Bundle {
        /// What does not fit.
        detail: String,
    },
    /// The state file of a model store cannot be read.
    #[error(
        "PG-1903 {} is no state of a model store: {detail}; delete it to begin with the embedded model", path.display()
    )]
    StoreState {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A model that was rolled back before.
    #[error(
        "PG-1904 the model {id} was tried before and rolled back; make a better one, or clear `bad` in the store's state"
    )]
    KnownBad {
        /// SHA-256 of its manifest.
        id: String,
    },
    /// An offer, or a step of a transfer, that cannot be meant.
    #[error("PG-1906 the model is refused: {detail}; mend it, then send it again")]
    Offer {
        /// What is wrong.
        detail: String,
    },
    /// The other side speaks another version of the transfer's protocol.
    #[error(
        "PG-1907 the other side speaks version {found} of the transfer's protocol and this program {own}; update the older one"
    )]
    TransferVersion {
        /// Theirs.
        found: u16,
        /// Ours.
        own: u16,
    },
    /// The host said no, in its own words.
    #[error("PG-1908 the host refuses: {detail}")]
    TransferRefused {
        /// Its words, with a code and a remedy of their own.
        detail: String,
    },
    /// A transfer does not move.
    #[error(
        "PG-1909 the transfer does not get on: {detail}; try again, and see whether both sides are of one version"
    )]
    TransferLost {
        /// What happens.
        detail: String,
    },
    /// Another model is on its way.
    #[error("PG-1910 the model {} is on its way to this host; wait for it, or a minute after it stands still", model.get(..12).unwrap_or(model))]
    TransferBusy {
        /// SHA-256 of its manifest.
        model: String,
    },
    /// There is no way back.
    #[error("PG-1911 there is no model before the present one; push another one instead")]
    NothingBefore,
    /// The host does not give its model away.
    #[error(
        "PG-1912 this host does not give its model away; set the parameter `gives` of its model_store to true"
    )]
    NotGiven,
    /// The host runs a model that is not in its store.
    #[error(
        "PG-1913 the store of this host has no active model to give: it runs the one it was configured with"
    )]
    NothingToGive,
    /// A rollout that cannot be begun or gone on with.
    #[error(
        "PG-1914 the rollout cannot be led: {detail}; mend the command, or remove its file to begin anew"
    )]
    Rollout {
        /// What is wrong.
        detail: String,
    },
    /// An order that was given before, or before one that was heard.
    #[error(
        "PG-1915 the order is not newer than the last one of its key heard here ({heard}, it is {given}); give it anew, and \
         see whether the clock of the machine that signs is right"
    )]
    OrderOld {
        /// Its number.
        given: u64,
        /// That of the last one.
        heard: u64,
    },
    /// An order for another host.
    #[error(
        "PG-1916 the order is for the host `{host}`, this is `{own}`; orders are signed for one host each"
    )]
    OrderElsewhere {
        /// Whom it names.
        host: String,
        /// Who reads it.
        own: String,
    },
    /// The record of the orders heard cannot be read.
    #[error(
        "PG-1917 {} is no record of orders: {detail}; delete it, knowing that orders given before may then be repeated", path.display()
    )]
    OrderRecord {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The disk gives other bytes than were written.
    #[error("PG-1905 {} reads other bytes than were written: the disk is failing; replace it", path.display())]
    Storage {
        /// The file.
        path: PathBuf,
    },
    /// A store that another one updates.
    #[error(
        "PG-1918 the model store {} is in use by another detector; give each detector a `store` of its own", path.display()
    )]
    StoreHeld {
        /// The folder.
        path: PathBuf,
    },
    /// A candidate whose trials the process did not survive.
    #[error(
        "PG-1919 the model {id} was begun {times} times and each time the process ended before it was settled; push a \
         smaller one, or the same once more to try it again"
    )]
    CandidateKills {
        /// SHA-256 of its manifest.
        id: String,
        /// How often it was begun.
        times: u32,
    },
}

impl Error {
    /// The stable code, e.g. `PG-0420`.
    ///
    /// ```
    /// let error = peregrine_models::Detector::load(&peregrine_models::LoadOptions::new("nanodet_q")).unwrap_err();
    /// assert_eq!(error.code(), "PG-0410");
    /// ```
    pub fn code(&self) -> String {
        self.to_string().chars().take(7).collect()
    }
}
