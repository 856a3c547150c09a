//! The arrays that the passes hand to each other.
//!
//! They are filled from left to right in blocks of four or eight lanes. A block may write beyond its run's end: what
//! follows overwrites it, and nobody reads past the end of the last run.

use crate::view::TILE;

/// Entries of a line, and what the last block may write beyond.
pub(super) const ROOM: usize = TILE + 8;

pub(super) type Lane = [f32; ROOM];

/// Neighbouring entries of one material whose texture is read at one mip level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub start: usize,
    pub end: usize,
    pub material: u32,
    pub level: i32,
}

/// Neighbouring entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub start: usize,
    pub end: usize,
    /// The triangle, where it matters.
    pub name: u32,
}

/// Up to a tile's row of entries, each one sample.
pub(super) struct Line {
    /// The ray of the optical frame is (rx, ry, 1).
    pub rx: Lane,
    pub ry: Lane,
    pub z: Lane,
    pub u: Lane,
    pub v: Lane,
    /// Colour before the texture.
    pub base: [Lane; 3],
    /// Light given off.
    pub glow: [Lane; 3],
    /// Cosine to the sun, the share of sunlight, and cosine to the zenith.
    pub facing: Lane,
    pub lit: Lane,
    pub up: Lane,
    /// Unit normals in the object's frame, where something shines.
    pub normal: [Lane; 3],
    pub albedo: [Lane; 3],
    /// The outcome, linear light.
    pub colour: [Lane; 3],
    pub segments: Vec<Segment>,
    pub skies: Vec<Stretch>,
    /// Unlit: shown as they are.
    pub plain: Vec<Stretch>,
    pub shiny: Vec<Stretch>,
}

impl Line {
    fn new() -> Self {
        let (lane, three) = ([0.0; ROOM], [[0.0; ROOM]; 3]);
        let stretches = || Vec::with_capacity(TILE);
        Self {
            rx: lane,
            ry: lane,
            z: lane,
            u: lane,
            v: lane,
            base: three,
            glow: three,
            facing: lane,
            lit: lane,
            up: lane,
            normal: three,
            albedo: three,
            colour: three,
            segments: Vec::with_capacity(2 * TILE),
            skies: stretches(),
            plain: stretches(),
            shiny: stretches(),
        }
    }

    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.segments.clear();
        self.skies.clear();
        self.plain.clear();
        self.shiny.clear();
    }

    #[inline(always)]
    pub(super) fn sky(&mut self, start: usize, end: usize) {
        self.skies.push(Stretch { start, end, name: 0 });
    }

    #[inline(always)]
    pub(super) fn segment(&mut self, start: usize, end: usize, material: u32, level: i32) {
        match self.segments.last_mut() {
            Some(last) if last.end == start && last.material == material && last.level == level => {
                last.end = end;
            }
            _ => self.segments.push(Segment { start, end, material, level }),
        }
    }
}

/// Two rows of sky, whole.
pub(super) struct Dome {
    /// Of the picture; `usize::MAX` for none.
    pub row: [usize; 2],
    pub colour: [[Lane; 3]; 2],
}

/// The lines of one thread.
pub(crate) struct Palette {
    pub(super) main: Box<Line>,
    pub(super) dome: Box<Dome>,
    pub(super) spill: Box<Line>,
    /// How many entries of `spill` are in use.
    pub(super) spilt: usize,
    /// Per entry of `spill`: the pixel it belongs to and how many of its four samples it stands for.
    pub(super) share: Vec<[u32; 2]>,
}

impl Palette {
    pub(crate) fn new() -> Self {
        let share = Vec::with_capacity(ROOM);
        let dome = Box::new(Dome { row: [usize::MAX; 2], colour: [[[0.0; ROOM]; 3]; 2] });
        Self { main: Box::new(Line::new()), dome, spill: Box::new(Line::new()), spilt: 0, share }
    }
}
