//! From one picture's detections to tracks: ByteTrack (Zhang et al., ECCV 2022) with the camera's motion taken out by
//! odometry, and with places in space where boxes alone do not tell things apart.
//!
//! Each picture goes through the same steps: predict, carry along with the camera, associate sure detections by overlap,
//! associate unsure ones with what is left, associate by place in space, confirm or drop what is tentative, begin anew.
//! Nothing here depends on a clock or on the order of a hash table, and a warm call allocates nothing.

use nalgebra::{Matrix3, Point3, Vector3};

use super::assignment::Assignment;
use super::camera::{Pose, point};
use super::classes::{Classes, Kind};
use super::config::Config;
use super::evidence::Sight;
use super::found::Found;
use super::space_filter::{Place, SpaceFilter};
use super::track::{Life, Track};

/// A sure detection and a track must overlap so much, weighted by score, as in ByteTrack.
const FIRST_LIMIT: f64 = 0.8;
/// An unsure detection must overlap more.
const SECOND_LIMIT: f64 = 0.5;
/// A track seen once must be met again so well.
const TENTATIVE_LIMIT: f64 = 0.7;
/// Squared distance in deviations that makes a place another thing's: one in 10^5 for three dimensions.
const PLACE_GATE: f64 = 25.9;
/// Less than this is never another thing's place, metres.
const SAME_PLACE: f64 = 1.0;
/// A place so uncertain says nothing about who is who, metres.
const VAGUE: f64 = 3.0;
/// A thing found again is no farther than this from where it should be, metres, however uncertain that is.
const REACH: f64 = 1.5;
/// Squared distance, in deviations, within which a thing is found again by its place: one in a hundred lies beyond.
const FOUND_AGAIN: f64 = 11.3;
/// Squared distance, in deviations, at which a place weighs an overlap down to 1 / e.
const PLACE_WEIGHT: f64 = 9.0;
/// A lost and a seen track that overlap so much are one.
const TWIN: f64 = 0.85;
/// Deviation of a depth that says nothing of noise, metres.
const DEPTH_FLOOR: f64 = 0.1;
/// Deviation of a box's centre, as share of its side: what hides a part of a thing moves the middle of the rest.
const CENTRE_SHARE: f64 = 0.2;
/// Longest step that a prediction makes, seconds.
const MAX_STEP: f64 = 5.0;

/// What became of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken in.
    Taken,
    /// Older than the last one: left out.
    Late,
    /// Much older than the last one: the clock was set back, and all tracks ended before it was taken in.
    Reset,
}

/// What was counted since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pictures taken in.
    pub pictures: u64,
    /// Pictures left out because they were late.
    pub late: u64,
    /// Times that the clock was set back.
    pub resets: u64,
    /// Detections beyond what is taken from one picture, or without room for another track.
    pub crowded: u64,
    /// Detections without a depth.
    pub without_depth: u64,
    /// Pictures without a camera pose.
    pub without_pose: u64,
}

/// All tracks.
#[derive(Debug, Clone)]
pub struct Tracker {
    config: Config,
    tracks: Vec<Track>,
    next_id: u32,
    last: Option<i64>,
    camera: Option<(Pose, u64)>,
    counts: Counts,
    /// Detections not yet given to a track, by place in the picture's list.
    free: Vec<usize>,
    /// Tracks not yet seen in this picture.
    unseen: Vec<usize>,
    places: Vec<Option<Place>>,
    best_first: Vec<usize>,
    solver: Assignment,
}

impl Tracker {
    /// Without tracks.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            tracks: Vec::with_capacity(config.max_tracks),
            config,
            next_id: 1,
            last: None,
            camera: None,
            counts: Counts::default(),
            free: Vec::new(),
            unseen: Vec::new(),
            places: Vec::new(),
            best_first: Vec::new(),
            solver: Assignment::default(),
        }
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// From the next picture on other settings hold; tracks go on under them. Bounds and cameras stay as they were.
    pub fn set_config(&mut self, config: Config) {
        let (max_detections, max_tracks) = (self.config.max_detections, self.config.max_tracks);
        let (camera, depth_camera) = (self.config.camera, self.config.depth_camera);
        self.config = Config { max_detections, max_tracks, camera, depth_camera, ..config };
    }

    /// All tracks, in the order of their beginnings.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Stamp of the last picture taken in, nanoseconds.
    #[must_use]
    pub fn stamp(&self) -> Option<i64> {
        self.last
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes in one picture of `stamp`. `camera` is the colour camera's optical frame in odom at that time, with the number
    /// of jumps that odometry had made; without it nothing is known of the camera's motion, and nothing new of places.
    pub fn update(
        &mut self,
        stamp: i64,
        camera: Option<(Pose, u64)>,
        found: &[Found],
        classes: &Classes,
    ) -> Verdict {
        let verdict = self.meet(stamp);
        if verdict == Verdict::Late {
            return verdict;
        }
        self.counts.pictures += 1;
        self.counts.without_pose += u64::from(camera.is_none());
        self.predict(stamp, camera, classes);
        self.take(found, camera, classes);

        self.unseen.clear();
        self.unseen.extend((0..self.tracks.len()).filter(|t| self.tracks[*t].life != Life::Tentative));
        let (sure, likely) = (self.config.high_score, self.config.low_score);
        let score = |f: &Found| f.score;
        self.associate(found, classes, |f| score(f) >= sure, |_| true, Rule::Weighted(FIRST_LIMIT), stamp);
        let unsure = |f: &Found| (likely..sure).contains(&f.score);
        // A lost track is not carried on by an unsure detection: it would follow the background.
        self.associate(
            found,
            classes,
            unsure,
            |t| t.life == Life::Confirmed,
            Rule::Overlap(SECOND_LIMIT),
            stamp,
        );
        self.associate(found, classes, |f| score(f) >= sure, |_| true, Rule::Place, stamp);
        self.miss();
        self.unseen.clear();
        self.unseen.extend((0..self.tracks.len()).filter(|t| self.tracks[*t].life == Life::Tentative));
        self.associate(
            found,
            classes,
            |f| score(f) >= sure,
            |_| true,
            Rule::Weighted(TENTATIVE_LIMIT),
            stamp,
        );
        // Gone with the first miss. Ids are not given yet, so nobody misses them.
        self.tracks.retain(|t| t.life != Life::Tentative || t.seen == stamp);
        self.bury(stamp, classes);
        self.begin(stamp, found, classes);
        verdict
    }

    /// What a picture's stamp says.
    fn meet(&mut self, stamp: i64) -> Verdict {
        let verdict = match self.last {
            Some(last) if stamp <= last => {
                let back = last.saturating_sub(stamp) as f64 * 1e-9;
                if back <= self.config.reset_after { Verdict::Late } else { Verdict::Reset }
            }
            _ => Verdict::Taken,
        };
        match verdict {
            Verdict::Late => self.counts.late += 1,
            Verdict::Reset => {
                self.counts.resets += 1;
                self.tracks.clear();
                self.camera = None;
                self.last = None;
            }
            Verdict::Taken => {}
        }
        verdict
    }

    fn predict(&mut self, stamp: i64, camera: Option<(Pose, u64)>, classes: &Classes) {
        let past = self.last.map_or(0, |last| stamp.saturating_sub(last));
        let dt = (past as f64 * 1e-9).clamp(0.0, MAX_STEP);
        self.last = Some(stamp);
        let relative = match (&self.camera, &camera) {
            (Some((before, b)), Some((now, n))) if b == n => Some(now.inverse() * before),
            _ => None,
        };
        let jumped = matches!((&self.camera, &camera), (Some((_, b)), Some((_, n))) if b != n);
        for track in &mut self.tracks {
            if jumped {
                // Places from before the jump are places in another frame.
                (track.space, track.depth) = (None, None);
            }
            if let Some(relative) = &relative {
                let rect = track.image.rect();
                track.image.carry(relative, track.depth);
                track.depth =
                    track.depth.map(|z| (relative * point(rect.x, rect.y, z)).z).filter(|z| *z > 0.2);
            }
            if track.life == Life::Lost {
                track.image.hold_size();
            }
            track.image.predict(dt);
            let acceleration = classes.kind(track.label()).acceleration();
            if let Some(space) = &mut track.space {
                space.predict(dt, acceleration);
            }
        }
        self.tracks.retain(Track::is_sound);
        if camera.is_some() {
            self.camera = camera;
        }
    }

    /// Chooses the best detections and finds their places.
    fn take(&mut self, found: &[Found], camera: Option<(Pose, u64)>, classes: &Classes) {
        self.free.clear();
        self.free.extend((0..found.len()).filter(|f| found[*f].score >= self.config.low_score));
        let room = self.config.max_detections;
        if self.free.len() > room {
            self.counts.crowded += (self.free.len() - room) as u64;
            self.best_first.clear();
            self.best_first.extend_from_slice(&self.free);
            // Equal scores keep the detector's order, so that the choice repeats.
            self.best_first
                .sort_unstable_by(|a, b| found[*b].score.total_cmp(&found[*a].score).then(a.cmp(b)));
            self.free.clear();
            self.free.extend_from_slice(&self.best_first[..room]);
            self.free.sort_unstable();
        }
        self.counts.without_depth += self.free.iter().filter(|f| found[**f].depth.is_none()).count() as u64;
        self.places.clear();
        let error = self.config.depth_error;
        self.places.extend(found.iter().map(|f| place(f, &camera?.0, classes.kind(f.label), error)));
    }

    /// Gives the free detections that `which` admits to the unseen tracks that `whose` admits, at the least total cost.
    fn associate(
        &mut self,
        found: &[Found],
        classes: &Classes,
        which: impl Fn(&Found) -> bool,
        whose: impl Fn(&Track) -> bool,
        rule: Rule,
        stamp: i64,
    ) {
        if self.free.is_empty() || self.unseen.is_empty() {
            return;
        }
        let limit = rule.limit();
        self.solver.begin(self.free.len());
        for track in &self.unseen {
            let track = &self.tracks[*track];
            if whose(track) {
                let grown = track.image.rect().grown(self.config.box_growth);
                for (column, f) in self.free.iter().enumerate() {
                    let (detection, place) = (&found[*f], self.places[*f].as_ref());
                    if !which(detection) || !classes.confusable(track.label(), detection.label) {
                        continue;
                    }
                    let overlap = || grown.iou(&detection.rect.grown(self.config.box_growth));
                    let cost = match rule {
                        Rule::Place => distance(track, place),
                        Rule::Weighted(_) => 1.0 - overlap() * detection.score,
                        Rule::Overlap(_) => 1.0 - overlap(),
                    };
                    // Whether a pair may be is for the boxes to say; which of two it is, for the places too.
                    if let Some(nearness) = nearness(track, place).filter(|_| cost < limit) {
                        self.solver.pair(column, (cost / limit + 1.0 - nearness) / 2.0);
                    }
                }
            }
            self.solver.end_row();
        }
        self.solver.solve(1.0);
        for (row, track) in self.unseen.iter().enumerate() {
            if let Some(column) = self.solver.column_of(row) {
                let f = self.free[column];
                let kind = classes.kind(found[f].label);
                let (track, place) = (&mut self.tracks[*track], self.places[f].as_ref());
                weigh(track, &found[f], place, kind, &self.config);
                see(track, &found[f], place, kind, stamp);
            }
        }
        let solver = &self.solver;
        let mut row = 0..;
        self.unseen.retain(|_| row.next().is_some_and(|r| solver.column_of(r).is_none()));
        let mut column = 0..;
        self.free.retain(|_| column.next().is_some_and(|c| solver.row_of(c).is_none()));
    }

    fn miss(&mut self) {
        for track in &self.unseen {
            self.tracks[*track].life = Life::Lost;
            self.tracks[*track].evidence.miss(self.config.evidence);
        }
    }

    /// Confirms, and ends tracks: too long unseen, or the twin of another.
    fn bury(&mut self, stamp: i64, classes: &Classes) {
        for track in &mut self.tracks {
            if track.seen == stamp {
                let counts = track.hits >= self.config.confirm_hits;
                track.life =
                    if track.life == Life::Tentative && !counts { Life::Tentative } else { Life::Confirmed };
            }
            if track.life == Life::Confirmed && track.id == 0 {
                track.id = self.next_id;
                self.next_id = self.next_id.wrapping_add(1).max(1);
            }
        }
        let lost_after = self.config.lost_after;
        self.tracks.retain(|t| t.life != Life::Lost || t.age(stamp) <= lost_after);
        let mut at = 0;
        while at < self.tracks.len() {
            let is_twin = |other: &Track| {
                let this = &self.tracks[at];
                other.life == Life::Confirmed
                    && classes.confusable(this.label(), other.label())
                    && this.image.rect().iou(&other.image.rect()) > TWIN
            };
            if self.tracks[at].life == Life::Lost && self.tracks.iter().any(is_twin) {
                self.tracks.remove(at);
            } else {
                at += 1;
            }
        }
    }

    fn begin(&mut self, stamp: i64, found: &[Found], classes: &Classes) {
        for f in &self.free {
            let detection = &found[*f];
            if detection.score < self.config.new_score {
                continue;
            }
            if self.tracks.len() >= self.config.max_tracks {
                self.counts.crowded += 1;
                continue;
            }
            let mut track = Track::new(detection, stamp);
            let (place, kind) = (self.places[*f].as_ref(), classes.kind(detection.label));
            weigh(&mut track, detection, place, kind, &self.config);
            locate(&mut track, detection, place, kind);
            if self.config.confirm_hits <= 1 {
                (track.life, track.id) = (Life::Confirmed, self.next_id);
                self.next_id = self.next_id.wrapping_add(1).max(1);
            }
            self.tracks.push(track);
        }
    }
}

/// How pairs are judged.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Overlap times score.
    Weighted(f64),
    /// Overlap.
    Overlap(f64),
    /// Distance in space.
    Place,
}

impl Rule {
    fn limit(self) -> f64 {
        match self {
            Self::Weighted(limit) | Self::Overlap(limit) => limit,
            Self::Place => 1.0,
        }
    }
}

/// The share of what is allowed that lies between track and place, or more than 1 when it cannot be told.
fn distance(track: &Track, place: Option<&Place>) -> f64 {
    match (&track.space, place) {
        (Some(space), Some(place)) if space.position_deviation() < VAGUE => {
            let metres = (space.position() - place.point).norm();
            (space.distance2(place) / FOUND_AGAIN).max(metres / REACH)
        }
        _ => f64::INFINITY,
    }
}

/// How well a place is the track's, 1 to 0: 1 when nothing is known of either. `None` when it is another thing's.
fn nearness(track: &Track, place: Option<&Place>) -> Option<f64> {
    let (Some(space), Some(place)) = (&track.space, place) else { return Some(1.0) };
    let d2 = space.distance2(place);
    let another = d2 > PLACE_GATE && (space.position() - place.point).norm() > SAME_PLACE;
    (!another).then(|| (-d2 / PLACE_WEIGHT).exp())
}

/// The extent of a thing across the line of sight and up, and half of what it is taken to reach back, metres.
fn extent(found: &Found, z: f64) -> (f64, f64, f64) {
    let (across, up) = (found.rect.w * z, found.rect.h * z);
    (across, up, across.min(up).clamp(0.1, 2.0) / 2.0)
}

/// Where a detection is in odom. What is seen is its surface; its centre lies half of its extent behind.
fn place(found: &Found, camera: &Pose, kind: Kind, depth_error: f64) -> Option<Place> {
    let z = found.depth?;
    let (across, up, half) = extent(found, z);
    let half = if kind == Kind::Wire { 0.0 } else { half };
    let ray = Vector3::new(found.rect.x, found.rect.y, 1.0);
    let centre = Point3::from(ray * z + ray.normalize() * half);
    let sigma = [
        CENTRE_SHARE * across + 0.02,
        CENTRE_SHARE * up + 0.02,
        DEPTH_FLOOR + depth_error * z * z + half / 4.0,
    ];
    let spread = Matrix3::from_diagonal(&Vector3::from(sigma.map(|s| s * s)));
    let turn = camera.rotation.to_rotation_matrix();
    let covariance = turn.matrix() * spread * turn.matrix().transpose();
    let point = camera * centre;
    point.coords.iter().all(|v| v.is_finite()).then_some(Place { point, covariance })
}

/// What a detection says for the thing that it is given to.
fn weigh(track: &mut Track, found: &Found, place: Option<&Place>, kind: Kind, config: &Config) {
    let extent = found.depth.map(|z| {
        let (across, up, _) = extent(found, z);
        [across, up]
    });
    let in_place = match (&track.space, place) {
        (Some(space), Some(place)) => space.distance2(place) <= PLACE_GATE,
        _ => true,
    };
    let sight = Sight { score: found.score, kind, extent, in_place };
    track.evidence.see(&sight, config.even_score, config.evidence);
}

fn see(track: &mut Track, found: &Found, place: Option<&Place>, kind: Kind, stamp: i64) {
    track.see(found, stamp);
    locate(track, found, place, kind);
}

fn locate(track: &mut Track, found: &Found, place: Option<&Place>, kind: Kind) {
    if let Some(z) = found.depth {
        track.depth = Some(z);
        let (across, up, half) = extent(found, z);
        track.measure_extent(across.max(2.0 * half), up);
    }
    if let Some(place) = place {
        match &mut track.space {
            Some(space) => space.update(place, kind.speed()),
            None => track.space = Some(SpaceFilter::new(place, kind.speed())),
        }
    }
}
