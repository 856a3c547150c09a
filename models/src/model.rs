//! From a model's name to its checked manifest, labels and weights.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::manifest::{BackendName, Layout, Manifest, line_of};
use crate::onnx::{Ports, Shape};
use crate::suggest::suggest;
use crate::trust::{self, Standing, Trust};
use crate::{Error, Result, decode, profile};

/// The 80 class names of COCO 2017 in the order its detectors use.
pub const COCO_80: &str = include_str!("../weights/coco80.txt");

struct Embedded {
    name: &'static str,
    manifest: &'static str,
    weights: &'static [u8],
}

/// Every model compiled into this crate, in the order of preference of each backend.
const EMBEDDED: &[Embedded] = &[
    Embedded {
        name: "nanodet_g_416_int8",
        manifest: include_str!("../weights/nanodet_g_416_int8.toml"),
        weights: include_bytes!("../weights/nanodet_g_416_int8.onnx"),
    },
    Embedded {
        name: "nanodet_g_320_w8",
        manifest: include_str!("../weights/nanodet_g_320_w8.toml"),
        weights: include_bytes!("../weights/nanodet_g_w8.onnx"),
    },
    Embedded {
        name: "nanodet_g_416_w8",
        manifest: include_str!("../weights/nanodet_g_416_w8.toml"),
        weights: include_bytes!("../weights/nanodet_g_w8.onnx"),
    },
    Embedded {
        name: "drone_sim_320_int8",
        manifest: include_str!("../weights/drone_sim_320_int8.toml"),
        weights: include_bytes!("../weights/drone_sim_320_int8.onnx"),
    },
    Embedded {
        name: "drone_sim_320_w8",
        manifest: include_str!("../weights/drone_sim_320_w8.toml"),
        weights: include_bytes!("../weights/drone_sim_320_w8.onnx"),
    },
];

/// Short names that stand for the variant that suits the backend.
const FAMILIES: &[(&str, &str, &str)] = &[
    ("nanodet_g", "nanodet_g_416_int8", "nanodet_g_320_w8"),
    // The simulator's own classes (models/train).
    ("sim", "drone_sim_320_int8", "drone_sim_320_w8"),
];

/// The model used when none is named.
pub const DEFAULT_MODEL: &str = "nanodet_g";

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// One compiled into this crate: an exact name, or the name of a family (`nanodet_g`), which picks the variant that
    /// suits the backend.
    Embedded(String),
    /// A manifest (`.toml`), or a bare network (`.onnx`) of a family known by its inputs and outputs.
    Path(PathBuf),
}

impl ModelSource {
    /// What a user means by `--model`: a path if it ends in `.toml` or `.onnx` or names a file, else an embedded name, else
    /// one of the user's library ([`crate::library`]).
    pub fn parse(text: &str) -> Self {
        let path = Path::new(text);
        let is_path = path.extension().is_some_and(|e| e == "toml" || e == "onnx") || path.is_file();
        if is_path {
            return Self::Path(path.to_owned());
        }
        let own = (!embedded_names().any(|name| name == text)).then(|| crate::library::find(text)).flatten();
        own.map_or_else(|| Self::Embedded(text.to_owned()), Self::Path)
    }
}

impl From<&str> for ModelSource {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

/// Names of the embedded models: families first, then exact ones.
pub fn embedded_names() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().map(|family| family.0).chain(EMBEDDED.iter().map(|model| model.name))
}

/// A model that is ready to be handed to a backend: its parts fit each other.
#[derive(Clone, Debug)]
pub struct Model {
    /// The manifest.
    pub manifest: Arc<Manifest>,
    /// One name per class.
    pub labels: Arc<[Arc<str>]>,
    /// The ONNX file.
    pub weights: Cow<'static, [u8]>,
    /// Whether the weights are only stored as int8 and computed in fp32.
    pub stored_int8: bool,
    /// The number of images that every inference takes, where the network fixes it.
    pub batch: Option<usize>,
    /// How messages call it.
    pub origin: String,
    /// The manifest's file and bytes, which a signature may be over. `None` for embedded models and bare networks.
    pub signed: Option<(PathBuf, Arc<[u8]>)>,
}

impl Model {
    /// Reads a model for a backend and checks hash, shapes and labels.
    ///
    /// # Errors
    /// `PG-0401` to `PG-0411`, each naming the file and line to mend.
    pub fn read(source: &ModelSource, backend: BackendName) -> Result<Self> {
        match source {
            ModelSource::Embedded(name) => embedded(name, backend),
            ModelSource::Path(path) if path.extension().is_some_and(|e| e == "onnx") => bare(path),
            ModelSource::Path(path) => from_manifest(path),
        }
    }

    /// Whether this model, read from `source`, may be used.
    ///
    /// # Errors
    /// `PG-0460` to `PG-0463`.
    pub fn standing(&self, source: &ModelSource, trust: &Trust) -> Result<Standing> {
        match (source, &self.signed) {
            (ModelSource::Embedded(_), _) => Ok(Standing::Embedded),
            (ModelSource::Path(_), Some((path, text))) => {
                let standing = trust::standing(path, text, trust)?;
                // The signature covers the labels only through their hash.
                let open = self.manifest.labels_file.is_some() && self.manifest.labels_sha256.is_none();
                if open && matches!(standing, Standing::Signed { .. }) {
                    let detail =
                        "its labels file is not covered: write `labels_sha256`, then sign".to_owned();
                    return Err(Error::Unsigned { path: path.clone(), detail });
                }
                Ok(standing)
            }
            (ModelSource::Path(path), None) => trust::without_manifest(path, trust),
        }
    }
}

fn embedded(name: &str, backend: BackendName) -> Result<Model> {
    let exact = FAMILIES.iter().find(|family| family.0 == name).map_or(name, |family| match backend {
        BackendName::Ort => family.1,
        BackendName::Tract => family.2,
    });
    let model = EMBEDDED.iter().find(|model| model.name == exact).ok_or_else(|| Error::UnknownModel {
        name: name.to_owned(),
        suggestion: suggest(name, embedded_names()),
        known: embedded_names().collect::<Vec<_>>().join(", "),
    })?;
    let manifest = Manifest::parse(model.manifest, model.name)?;
    assemble(manifest, model.manifest, model.name, Cow::Borrowed(model.weights), Some(COCO_80))
}

fn from_manifest(path: &Path) -> Result<Model> {
    let name = path.display().to_string();
    let text = read(path, "read the manifest").and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| Error::ManifestSyntax {
            manifest: name.clone(),
            line: 1,
            message: format!("not UTF-8 text ({error})"),
        })
    })?;
    let manifest = Manifest::parse(&text, &name)?;
    let signed = Some((path.to_owned(), Arc::from(text.as_bytes())));
    let beside = |file: &str| path.parent().unwrap_or(Path::new("")).join(file);
    let need = |file: &str, key: &'static str, what: &'static str| {
        let path = beside(file);
        if path.is_file() {
            return read(&path, "read");
        }
        Err(Error::ManifestFile { manifest: name.clone(), line: line_of(&text, "", key), what, key, path })
    };
    let weights = need(&manifest.file, "file", "weights file")?;
    let labels = match &manifest.labels_file {
        Some(file) => {
            let bytes = need(file, "labels_file", "labels file")?;
            let found = sha256(&bytes);
            if let Some(expected) =
                manifest.labels_sha256.as_ref().filter(|e| !e.eq_ignore_ascii_case(&found))
            {
                return Err(Error::Hash {
                    manifest: name.clone(),
                    line: line_of(&text, "", "labels_sha256"),
                    file: file.clone(),
                    expected: expected.to_ascii_lowercase(),
                    found,
                });
            }
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        None => None,
    };
    let model = assemble(manifest, &text, &name, Cow::Owned(weights), labels.as_deref())?;
    Ok(Model { signed, ..model })
}

fn bare(path: &Path) -> Result<Model> {
    let weights = read(path, "read the network")?;
    let origin = path.display().to_string();
    let ports = Ports::read(&weights, &origin)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (mut manifest, classes) = profile::recognise(&name, &file, &sha256(&weights), &ports)
        .ok_or_else(|| Error::UnknownNetwork { path: path.to_owned(), found: ports.describe() })?;
    // Names are known for COCO only; other networks get their class numbers.
    manifest.labels = if classes == 80 {
        COCO_80.lines().map(str::to_owned).collect()
    } else {
        (0..classes).map(|class| format!("class {class}")).collect()
    };
    let labels = manifest.labels.iter().map(|label| Arc::from(label.as_str())).collect();
    Ok(Model {
        manifest: Arc::new(manifest),
        labels,
        weights: Cow::Owned(weights),
        stored_int8: ports.stored_int8,
        batch: batch_of(&ports),
        origin,
        signed: None,
    })
}

/// Puts the parts together if they fit. `name` and `text` are the manifest's, for messages.
fn assemble(
    manifest: Manifest,
    text: &str,
    name: &str,
    weights: Cow<'static, [u8]>,
    labels_file: Option<&str>,
) -> Result<Model> {
    let found = sha256(&weights);
    if !found.eq_ignore_ascii_case(&manifest.sha256) {
        return Err(Error::Hash {
            manifest: name.to_owned(),
            line: line_of(text, "", "sha256"),
            file: manifest.file.clone(),
            expected: manifest.sha256.to_ascii_lowercase(),
            found,
        });
    }
    let labels: Arc<[Arc<str>]> = match labels_file {
        Some(lines) if manifest.labels_file.is_some() => {
            lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(Arc::from).collect()
        }
        _ => manifest.labels.iter().map(|label| Arc::from(label.as_str())).collect(),
    };
    let ports = Ports::read(&weights, name)?;
    fits(&manifest, &ports, name, text)?;
    let first = ports.outputs.iter().find(|port| port.name == manifest.decoder.outputs[0]);
    let shape: Vec<usize> =
        first.map(|port| port.shape.iter().map(|d| d.unwrap_or(0)).collect()).unwrap_or_default();
    let classes = decode::classes_of(&manifest.decoder, &shape).unwrap_or(labels.len());
    if classes != labels.len() {
        let key = if manifest.labels_file.is_some() { "labels_file" } else { "labels" };
        let line = line_of(text, "", key);
        return Err(Error::LabelCount { manifest: name.to_owned(), line, labels: labels.len(), classes });
    }
    for (output, expected) in manifest.decoder.outputs.iter().zip(decode::expected_shapes(&manifest, classes))
    {
        let Some(port) = ports.outputs.iter().find(|port| port.name == *output) else { continue };
        let mut expected: Vec<Option<usize>> = expected.into_iter().map(Some).collect();
        // One image's share; all images of a batch lie one after the other.
        if let Some(first) = expected.first_mut() {
            *first = batch_of(&ports);
        }
        let place = format!("{name}:{}", line_of(text, "decoder", "outputs"));
        agree(&place, format!("output `{output}`"), &port.shape, &expected, "mend [decoder] or [input]")?;
    }
    if let Some(given) = manifest.reference.as_ref().map(|r| r.classes.len()).filter(|n| *n != classes) {
        return Err(Error::ManifestValue {
            manifest: name.to_owned(),
            line: line_of(text, "reference", "classes"),
            key: "classes",
            value: format!("a list of {given}"),
            reason: "not one share per label",
            remedy: "let `peregrine model reference --write` write it",
        });
    }
    let (stored_int8, batch) = (ports.stored_int8, batch_of(&ports));
    Ok(Model {
        manifest: Arc::new(manifest),
        labels,
        weights,
        stored_int8,
        batch,
        origin: name.to_owned(),
        signed: None,
    })
}

/// The first dimension of the input, where it is fixed.
fn batch_of(ports: &Ports) -> Option<usize> {
    ports.inputs.first().and_then(|port| port.shape.first().copied().flatten())
}

/// Whether the graph has the input and outputs the manifest names. Messages name the line of the manifest.
fn fits(manifest: &Manifest, ports: &Ports, name: &str, text: &str) -> Result<()> {
    let input = &manifest.input;
    let at = |section: &str, key: &str| format!("{name}:{}", line_of(text, section, key));
    let names = |ports: &[crate::onnx::Port]| {
        ports.iter().map(|p| format!("`{}`", p.name)).collect::<Vec<_>>().join(", ")
    };
    let missing = |place: String, what: &str, wanted: &str, ports: &[crate::onnx::Port]| Error::Shape {
        model: place,
        what: format!("the list of {what}s"),
        found: names(ports),
        expected: format!("`{wanted}`"),
        remedy: match suggest(wanted, ports.iter().map(|p| p.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?").into(),
            None => format!("name one of the network's {what}s").into(),
        },
    };
    let port = ports.inputs.iter().find(|port| port.name == input.name);
    let port = port.ok_or_else(|| missing(at("input", "name"), "input", &input.name, &ports.inputs))?;
    if let Some(Some(fixed)) = port.shape.first().filter(|fixed| **fixed != Some(input.max_batch)) {
        return Err(Error::Shape {
            model: at("input", "max_batch"),
            what: format!("input `{}`", input.name),
            found: format!("{} ({fixed} images in every inference)", Shape(&port.shape)),
            expected: format!("{} images", input.max_batch),
            remedy: format!(
                "write `max_batch = {fixed}` into [input], or leave the network's first dimension open"
            )
            .into(),
        });
    }
    // The first dimension is dealt with.
    let mut expected = manifest.input_shape().map(Some);
    expected[0] = None;
    // The planes' place tells a wrong layout from a wrong size.
    let planes_at = |index: usize| port.shape.get(index) == Some(&Some(3));
    let other = match input.layout {
        Layout::Nchw => planes_at(3) && !planes_at(1),
        Layout::Nhwc => planes_at(1) && !planes_at(3),
    };
    let (key, remedy) = if other {
        ("layout", "mend `layout` of [input]: nchw has the planes second, nhwc last")
    } else {
        ("width", "mend `width` and `height` of [input]")
    };
    agree(&at("input", key), format!("input `{}`", input.name), &port.shape, &expected, remedy)?;
    let element = match input.element {
        crate::manifest::Element::F32 => 1,
        crate::manifest::Element::U8 => 2,
    };
    if port.element != element {
        return Err(Error::Shape {
            model: at("input", "element"),
            what: format!("the ONNX element type of input `{}`", input.name),
            found: port.element.to_string(),
            expected: element.to_string(),
            remedy: "mend `element` of [input] (1 is f32, 2 is u8)".into(),
        });
    }
    for output in &manifest.decoder.outputs {
        if !ports.outputs.iter().any(|port| port.name == *output) {
            return Err(missing(at("decoder", "outputs"), "output", output, &ports.outputs));
        }
    }
    Ok(())
}

/// Whether a shape with open dimensions can be the expected one. An unknown rank (no dimensions) agrees with all.
fn agree(
    model: &str,
    what: String,
    found: &[Option<usize>],
    expected: &[Option<usize>],
    remedy: &str,
) -> Result<()> {
    let same = |(a, b): (&Option<usize>, &Option<usize>)| a.is_none() || b.is_none() || a == b;
    let fits = found.len() == expected.len() && found.iter().zip(expected).all(same);
    if fits || found.is_empty() {
        return Ok(());
    }
    Err(Error::Shape {
        model: model.to_owned(),
        what,
        found: Shape(found).to_string(),
        expected: Shape(expected).to_string(),
        remedy: remedy.into(),
    })
}

fn read(path: &Path, action: &'static str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::File { action, path: path.to_owned(), source })
}

/// The SHA-256 of bytes, 64 hexadecimal digits, as manifests hold it.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
