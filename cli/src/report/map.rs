//! The path over the obstacles, seen from above: east to the right, north up, both axes in the same scale.
//!
//! Shapes are SVG in metres; everything with letters is HTML laid over it, so that text keeps its size on a phone.

use std::fmt::Write;

use super::html::{coordinate as c, escape, nice_step, number};
use super::{FlightRecord, Outline, PathSample};

/// Slow to fast: indigo, magenta, amber. The same stops make the legend.
const STOPS: [[u8; 3]; 5] = [[58, 76, 192], [128, 60, 190], [206, 58, 142], [240, 106, 78], [250, 176, 46]];
/// The path's colour has this many steps.
const SHADES: usize = 32;
/// Wider or taller than this, the map shows more of the surroundings instead.
const FLATTEST: f64 = 1.8;
const TALLEST: f64 = 1.15;
/// More names than this would cover the map.
const MOST_NAMES: usize = 24;

fn shade(share: f64) -> String {
    let place = share.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(STOPS.len() - 1);
    let mix = |channel: usize| {
        let (from, to) = (f64::from(STOPS[low][channel]), f64::from(STOPS[high][channel]));
        (from + (to - from) * part).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2))
}

/// The shown part of the world, metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    west: f64,
    south: f64,
    width: f64,
    height: f64,
}

impl View {
    /// Start, goal and path with a margin; obstacles far off the path are cut away.
    fn of(record: &FlightRecord) -> Self {
        let points = record.path.iter().map(|sample| [sample.x, sample.y]).chain([record.start, record.goal]);
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for point in points.filter(|point| point.iter().all(|value| value.is_finite() && value.abs() < 1e6)) {
            for axis in 0..2 {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        if low[0] > high[0] {
            (low, high) = ([-5.0; 2], [5.0; 2]);
        }
        let margin = (0.06 * (high[0] - low[0]).max(high[1] - low[1])).clamp(3.0, 50.0);
        let (mut width, mut height) = (high[0] - low[0] + 2.0 * margin, high[1] - low[1] + 2.0 * margin);
        width = width.max(height / TALLEST);
        height = height.max(width / FLATTEST);
        let (middle_x, middle_y) = ((low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0);
        Self { west: middle_x - width / 2.0, south: middle_y - height / 2.0, width, height }
    }

    /// Share of the map from its left and upper edge.
    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        ((x - self.west) / self.width, 1.0 - (y - self.south) / self.height)
    }

    fn shows(&self, x: f64, y: f64) -> bool {
        let (left, upper) = self.place(x, y);
        (0.0..=1.0).contains(&left) && (0.0..=1.0).contains(&upper)
    }

    fn svg(&self, x: f64, y: f64) -> (String, String) {
        (c(x - self.west), c(self.height - (y - self.south)))
    }
}

pub(super) fn section(record: &FlightRecord) -> String {
    let view = View::of(record);
    let fastest =
        record.path.iter().map(|sample| sample.speed).filter(|speed| speed.is_finite()).fold(0.0, f64::max);
    let mut html = String::new();
    let _ = write!(
        html,
        "<figure class=\"map\" style=\"--aspect:{}\"><div class=\"frame\" data-map=\"{},{},{},{}\">\
         <svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"Path from start to goal over {} obstacles, from above\">",
        c(view.width / view.height),
        c(view.west),
        c(view.south),
        c(view.width),
        c(view.height),
        c(view.width),
        c(view.height),
        record.obstacles.len()
    );
    grid(&mut html, &view);
    obstacles(&mut html, &view, record);
    goal(&mut html, &view, record);
    path(&mut html, &view, &record.path, fastest);
    start(&mut html, &view, record);
    for contact in &record.contacts {
        let (x, y) = view.svg(contact.x, contact.y);
        let _ = write!(html, "<path class=\"contact\" d=\"M{x} {y}m-.7 -.7l1.4 1.4m0 -1.4l-1.4 1.4\"/>");
    }
    html.push_str("</svg>");
    names(&mut html, &view, record);
    scale_bar(&mut html, &view);
    html.push_str(
        "<i class=\"north\" title=\"north is up\">N</i><i class=\"here\" hidden></i></div><figcaption>",
    );
    legend(&mut html, record, fastest);
    html.push_str("</figcaption></figure>");
    html
}

fn grid(html: &mut String, view: &View) {
    let step = nice_step(view.width, 9.0);
    let mut lines = String::new();
    let mut x = (view.west / step).ceil() * step;
    while x < view.west + view.width {
        let _ = write!(lines, "M{} 0V{}", c(x - view.west), c(view.height));
        x += step;
    }
    let mut y = (view.south / step).ceil() * step;
    while y < view.south + view.height {
        let _ = write!(lines, "M0 {}H{}", c(view.height - (y - view.south)), c(view.width));
        y += step;
    }
    let _ = write!(html, "<path class=\"grid\" d=\"{lines}\"/>");
}

fn is_plant(class: &str) -> bool {
    ["tree", "trunk", "bush", "plant", "forest"].iter().any(|word| class.to_ascii_lowercase().contains(word))
}

/// Centre, and half of the extent from west to east.
fn extent(outline: &Outline) -> (f64, f64, f64) {
    match *outline {
        Outline::Circle { x, y, radius } => (x, y, radius),
        Outline::Box { x, y, length, width, yaw } => {
            (x, y, (length * yaw.cos().abs() + width * yaw.sin().abs()) / 2.0)
        }
    }
}

fn obstacles(html: &mut String, view: &View, record: &FlightRecord) {
    for obstacle in &record.obstacles {
        let kind = if is_plant(&obstacle.class) { "plant" } else { "thing" };
        let title = escape(&obstacle.class);
        let _ = match obstacle.outline {
            Outline::Circle { x, y, radius } => {
                let (x, y) = view.svg(x, y);
                write!(
                    html,
                    "<circle class=\"{kind}\" cx=\"{x}\" cy=\"{y}\" r=\"{}\"><title>{title}</title></circle>",
                    c(radius.max(0.0))
                )
            }
            Outline::Box { x, y, length, width, yaw } => {
                let (x, y) = view.svg(x, y);
                let (length, width) = (length.max(0.0), width.max(0.0));
                // SVG's y axis points down, so a turn to the left is negative.
                write!(
                    html,
                    "<rect class=\"{kind}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" transform=\"translate({x} {y}) \
                     rotate({})\"><title>{title}</title></rect>",
                    c(-length / 2.0),
                    c(-width / 2.0),
                    c(length),
                    c(width),
                    c(-yaw.to_degrees())
                )
            }
        };
    }
}

fn goal(html: &mut String, view: &View, record: &FlightRecord) {
    let (x, y) = view.svg(record.goal[0], record.goal[1]);
    let radius = if record.goal_radius_m > 0.0 { record.goal_radius_m } else { 1.0 };
    let _ = write!(html, "<circle class=\"goal\" cx=\"{x}\" cy=\"{y}\" r=\"{}\"/>", c(radius));
}

fn start(html: &mut String, view: &View, record: &FlightRecord) {
    let (x, y) = view.svg(record.start[0], record.start[1]);
    let _ = write!(
        html,
        "<circle class=\"start\" cx=\"{x}\" cy=\"{y}\" r=\"{}\"/>",
        c((view.width / 130.0).max(0.25))
    );
}

/// Runs of equal shade become one line each; every run starts where the last one ended.
fn path(html: &mut String, view: &View, path: &[PathSample], fastest: f64) {
    let stride = (path.len() / 1500).max(1);
    let mut points: Vec<&PathSample> = path.iter().step_by(stride).collect();
    if let Some(last) = path.last().filter(|_| !path.is_empty() && !(path.len() - 1).is_multiple_of(stride)) {
        points.push(last);
    }
    points.retain(|sample| sample.x.is_finite() && sample.y.is_finite());
    let step = |sample: &PathSample| {
        let share = if fastest > 0.0 && sample.speed.is_finite() { sample.speed / fastest } else { 0.0 };
        (share.clamp(0.0, 1.0) * (SHADES - 1) as f64).round() as usize
    };
    let dots = |points: &[&PathSample]| {
        points.iter().fold(String::new(), |mut text, sample| {
            let (x, y) = view.svg(sample.x, sample.y);
            let _ = write!(text, "{x},{y} ");
            text
        })
    };
    if points.len() < 2 {
        return;
    }
    let _ = write!(
        html,
        "<polyline class=\"casing\" points=\"{}\"/><g class=\"path\">",
        dots(&points).trim_end()
    );
    let mut from = 0;
    for at in 1..points.len() {
        if at + 1 == points.len() || step(points[at]) != step(points[from]) {
            let colour = shade(step(points[from]) as f64 / (SHADES - 1) as f64);
            let _ = write!(
                html,
                "<polyline stroke=\"{colour}\" points=\"{}\"/>",
                dots(&points[from..=at]).trim_end()
            );
            from = at;
        }
    }
    html.push_str("</g>");
}

/// Text beside a point, or beside a thing that reaches `half` metres to the east and west of it.
fn label(html: &mut String, view: &View, class: &str, (x, y, half): (f64, f64, f64), text: &str) {
    if !view.shows(x, y) {
        return;
    }
    // Near the right edge a label hangs to the left of its point.
    let west = view.place(x, y).0 > 0.8;
    let side = if west { " west" } else { "" };
    let half = if half.is_finite() { half.clamp(0.0, view.width) } else { 0.0 };
    let (left, upper) = view.place(if west { x - half } else { x + half }, y);
    let (left, upper) = (c(left * 100.0), c(upper * 100.0));
    let _ = write!(
        html,
        "<span class=\"{class}{side}\" style=\"left:{left}%;top:{upper}%\">{}</span>",
        escape(text)
    );
}

fn names(html: &mut String, view: &View, record: &FlightRecord) {
    // A thing may consist of several solids, a car of its body and its cabin: it is named once, at the widest.
    let mut named: Vec<(&str, (f64, f64, f64))> = Vec::new();
    for obstacle in record.obstacles.iter().filter(|obstacle| !is_plant(&obstacle.class)) {
        let place = extent(&obstacle.outline);
        let same = |(class, at): &&mut (&str, (f64, f64, f64))| {
            *class == obstacle.class && (at.0 - place.0).hypot(at.1 - place.1) < at.2.max(place.2)
        };
        match named.iter_mut().find(same) {
            Some((_, known)) if known.2 < place.2 => *known = place,
            Some(_) => {}
            None if named.len() < MOST_NAMES => named.push((&obstacle.class, place)),
            None => break,
        }
    }
    for (class, place) in named {
        label(html, view, "name", place, class);
    }
    label(html, view, "end", (record.start[0], record.start[1], 0.0), "start");
    label(html, view, "end", (record.goal[0], record.goal[1], 0.0), "goal");
    let near = record.path.iter().filter(|sample| sample.clearance.is_some_and(f64::is_finite));
    let nearest =
        near.min_by(|a, b| a.clearance.unwrap_or(f64::MAX).total_cmp(&b.clearance.unwrap_or(f64::MAX)));
    if let Some((sample, clearance)) = nearest.and_then(|sample| Some((sample, sample.clearance?))) {
        label(html, view, "spot", (sample.x, sample.y, 0.0), "");
        label(html, view, "near", (sample.x, sample.y, 0.0), &format!("closest {} m", number(clearance, 2)));
    }
}

fn scale_bar(html: &mut String, view: &View) {
    let length = nice_step(view.width * 0.25, 1.0);
    let length = if length > view.width * 0.3 { length / 2.0 } else { length };
    let share = c(length / view.width * 100.0);
    let digits = if length < 1.0 { 1 } else { 0 };
    let _ =
        write!(html, "<span class=\"scale\" style=\"width:{share}%\">{} m</span>", number(length, digits));
}

fn legend(html: &mut String, record: &FlightRecord, fastest: f64) {
    let stops: Vec<String> = (0..STOPS.len()).map(|at| shade(at as f64 / (STOPS.len() - 1) as f64)).collect();
    let _ = write!(
        html,
        "<span class=\"key\">speed 0<i class=\"ramp\" style=\"background:linear-gradient(90deg,{})\"></i>{} m/s</span>",
        stops.join(","),
        number(fastest, 1)
    );
    if record.obstacles.iter().any(|obstacle| is_plant(&obstacle.class)) {
        html.push_str("<span class=\"key\"><i class=\"dot plant\"></i>tree</span>");
    }
    if record.obstacles.iter().any(|obstacle| !is_plant(&obstacle.class)) {
        html.push_str("<span class=\"key\"><i class=\"dot thing\"></i>other obstacle</span>");
    }
    html.push_str("<span class=\"key\"><i class=\"ring\"></i>goal</span>");
    if !record.contacts.is_empty() {
        html.push_str("<span class=\"key bad\">✕ contact</span>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_equal_and_north_is_up() {
        let record = FlightRecord { goal: [60.0, 2.0], ..Default::default() };
        let view = View::of(&record);
        assert!((view.width / view.height - FLATTEST).abs() < 1e-9);
        assert!(view.place(0.0, 5.0).1 < view.place(0.0, 0.0).1);
        assert!(view.place(5.0, 0.0).0 > view.place(0.0, 0.0).0);
        assert!(view.shows(0.0, 0.0) && view.shows(60.0, 2.0));
    }

    #[test]
    fn a_point_that_is_no_number_does_not_move_the_view() {
        let odd = PathSample { x: f64::NAN, y: 1e300, ..Default::default() };
        let record = FlightRecord { goal: [9.0, 9.0], path: vec![odd], ..Default::default() };
        assert_eq!(View::of(&record), View::of(&FlightRecord { path: vec![], ..record.clone() }));
        assert!(!section(&record).contains("NaN"));
    }

    #[test]
    fn slow_and_fast_have_the_ends_of_the_ramp() {
        assert_eq!(
            (shade(0.0), shade(1.0), shade(f64::NAN)),
            ("#3a4cc0".into(), "#fab02e".into(), "#000000".into())
        );
    }
}
