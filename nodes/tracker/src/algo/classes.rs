//! What kinds of things there are: how they may be confused, how briskly they move, and how much room they get.

use crate::error::TrackerError;

/// A label's number. Labels are numbered in the order in which they are first met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Label(pub u16);

/// Kinds of things that move alike, and that detectors confuse with each other but not with the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// People on foot.
    Person,
    /// Cars, trucks, buses, motorcycles, bicycles, boats, trains.
    Vehicle,
    /// What flies: birds, drones, kites, aeroplanes.
    Aerial,
    /// Wires, cables, ropes.
    Wire,
    /// Everything else.
    Other,
}

/// Kinds by label, in COCO's words and the usual others.
const KINDS: [(Kind, &[&str]); 4] = [
    (Kind::Person, &["person", "pedestrian", "people", "rider"]),
    (
        Kind::Vehicle,
        &[
            "vehicle",
            "car",
            "truck",
            "bus",
            "van",
            "motorcycle",
            "motorbike",
            "bicycle",
            "boat",
            "train",
            "tram",
            "tractor",
        ],
    ),
    (
        Kind::Aerial,
        &[
            "aerial",
            "bird",
            "drone",
            "uav",
            "kite",
            "airplane",
            "aeroplane",
            "plane",
            "helicopter",
            "balloon",
        ],
    ),
    (Kind::Wire, &["wire", "cable", "power line", "powerline", "rope"]),
];

impl Kind {
    /// The kind of a label. Case, underscores and hyphens do not matter.
    #[must_use]
    pub fn of(label: &str) -> Self {
        let plain = |c: char| if c == '_' || c == '-' { ' ' } else { c.to_ascii_lowercase() };
        let same = |name: &&&str| name.chars().eq(label.trim().chars().map(plain));
        KINDS.iter().find(|(_, names)| names.iter().any(|n| same(&n))).map_or(Self::Other, |(kind, _)| *kind)
    }

    /// Name in parameters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Vehicle => "vehicle",
            Self::Aerial => "aerial",
            Self::Wire => "wire",
            Self::Other => "other",
        }
    }

    /// Deviation of the acceleration that its motion is taken to have, m/s2.
    #[must_use]
    pub fn acceleration(self) -> f64 {
        match self {
            Self::Person => 1.5,
            Self::Vehicle => 3.0,
            Self::Aerial => 5.0,
            Self::Wire => 0.05,
            Self::Other => 0.5,
        }
    }

    /// Deviation of the velocity before anything is known of it, m/s.
    #[must_use]
    pub fn speed(self) -> f64 {
        match self {
            Self::Person => 1.5,
            Self::Vehicle => 6.0,
            Self::Aerial => 5.0,
            Self::Wire => 0.1,
            Self::Other => 1.0,
        }
    }
}

/// Labels by number, with kind and margin.
#[derive(Debug, Clone, Default)]
pub struct Classes {
    margins: Vec<(String, f64)>,
    known: Vec<Known>,
}

#[derive(Debug, Clone)]
struct Known {
    name: String,
    kind: Kind,
    margin: f64,
}

/// More labels than any network has; the rest share the last number.
const MAX_LABELS: usize = 4096;

impl Classes {
    /// With margins `name=metres`, where a name is a label or a kind (person, vehicle, aerial, wire, other).
    ///
    /// # Errors
    /// [`TrackerError::ClassMargin`] when an entry has another form or its metres are not in 0..=5.
    pub fn new(margins: &[String]) -> Result<Self, TrackerError> {
        let read = |entry: &String| {
            let (name, metres) = entry.split_once('=')?;
            let metres: f64 = metres.trim().parse().ok()?;
            let name = name.trim();
            (!name.is_empty() && (0.0..=5.0).contains(&metres)).then(|| (name.to_owned(), metres))
        };
        let bad = |entry: &String| TrackerError::ClassMargin { entry: entry.clone() };
        let margins = margins.iter().map(|e| read(e).ok_or_else(|| bad(e))).collect::<Result<_, _>>()?;
        Ok(Self { margins, known: Vec::new() })
    }

    /// The same margins, with every label that `other` knows under its number there.
    #[must_use]
    pub fn numbered_as(mut self, other: &Self) -> Self {
        for known in &other.known {
            self.number(&known.name);
        }
        self
    }

    /// The number of a label.
    pub fn number(&mut self, name: &str) -> Label {
        let place = self.known.iter().position(|k| k.name == name).unwrap_or_else(|| {
            if self.known.len() >= MAX_LABELS {
                return MAX_LABELS - 1;
            }
            let kind = Kind::of(name);
            // The label's own margin and its kind's: the wider one, for margins only ever add.
            let fits = |entry: &&(String, f64)| entry.0 == name || entry.0 == kind.name();
            let margin = self.margins.iter().filter(fits).map(|(_, m)| *m).fold(0.0, f64::max);
            self.known.push(Known { name: name.to_owned(), kind, margin });
            self.known.len() - 1
        });
        Label(place as u16)
    }

    /// The label's name; empty for a number that was never given.
    #[must_use]
    pub fn name(&self, label: Label) -> &str {
        self.known.get(usize::from(label.0)).map_or("", |k| k.name.as_str())
    }

    /// The label's kind.
    #[must_use]
    pub fn kind(&self, label: Label) -> Kind {
        self.known.get(usize::from(label.0)).map_or(Kind::Other, |k| k.kind)
    }

    /// Metres to keep clear around such a thing, never negative.
    #[must_use]
    pub fn margin(&self, label: Label) -> f64 {
        self.known.get(usize::from(label.0)).map_or(0.0, |k| k.margin)
    }

    /// Whether a detector may call the same thing once by one label and once by the other.
    #[must_use]
    pub fn confusable(&self, a: Label, b: Label) -> bool {
        a == b || (self.kind(a) != Kind::Other && self.kind(a) == self.kind(b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_margins_keep_the_numbers() {
        let mut old = Classes::new(&["person=0.4".into()]).unwrap();
        let (person, cat) = (old.number("person"), old.number("cat"));
        let mut new = Classes::new(&["person=1.5".into(), "cat=0.2".into()]).unwrap().numbered_as(&old);
        assert_eq!((new.number("person"), new.number("cat")), (person, cat));
        assert_eq!((new.margin(person), new.margin(cat)), (1.5, 0.2));
    }

    #[test]
    fn labels_have_kinds_whatever_their_spelling() {
        assert_eq!(Kind::of("person"), Kind::Person);
        assert_eq!(Kind::of("Power_Line"), Kind::Wire);
        assert_eq!(Kind::of(" truck "), Kind::Vehicle);
        assert_eq!(Kind::of("drone"), Kind::Aerial);
        assert_eq!(Kind::of("stop sign"), Kind::Other);
        assert_eq!(Kind::of(""), Kind::Other);
    }

    #[test]
    fn the_wider_margin_counts_and_nonsense_is_named() {
        let given = ["vehicle=0.3", "bus=0.8", "car=0.1", "stop sign=0.2"].map(String::from);
        let mut classes = Classes::new(&given).unwrap();
        let mut margin = |name: &str| {
            let label = classes.number(name);
            classes.margin(label)
        };
        assert_eq!((margin("bus"), margin("car"), margin("stop sign"), margin("cat")), (0.8, 0.3, 0.2, 0.0));
        for bad in ["person", "person=-1", "=1", "a=nan", "a=9"] {
            let error = Classes::new(&[bad.to_owned()]).unwrap_err().to_string();
            assert!(error.starts_with("PG-1404") && error.contains(bad), "{error}");
        }
    }

    #[test]
    fn a_car_may_be_called_a_truck_but_a_chair_no_bench() {
        let mut classes = Classes::new(&[]).unwrap();
        let [car, truck, chair, bench] = ["car", "truck", "chair", "bench"].map(|n| classes.number(n));
        assert!(classes.confusable(car, truck) && classes.confusable(chair, chair));
        assert!(!classes.confusable(chair, bench) && !classes.confusable(car, chair));
        assert_eq!((classes.number("car"), classes.name(truck), classes.name(Label(99))), (car, "truck", ""));
    }

    #[test]
    fn a_flood_of_labels_is_bounded() {
        let mut classes = Classes::new(&[]).unwrap();
        for n in 0..MAX_LABELS + 50 {
            classes.number(&n.to_string());
        }
        assert_eq!(classes.known.len(), MAX_LABELS);
    }
}
