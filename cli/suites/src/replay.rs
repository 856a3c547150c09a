//! One flight as a page: the world from above, the way flown, and speed and clearance over time. One file, no scripts.

use std::fmt::Write as _;

use peregrine_avoidance::algo::state::State;

use crate::flight::{Moment, Outcome};
use crate::world::{Shape, World};

/// Colours of the states, and their names.
const STATES: [(&str, &str); 9] = [
    ("CRUISE", "#1b7837"),
    ("AVOIDING", "#2166ac"),
    ("BRAKING", "#d6604d"),
    ("HOVER", "#e0a100"),
    ("SCANNING", "#8c6bb1"),
    ("CLIMBING", "#35978f"),
    ("STUCK", "#b2182b"),
    ("GOAL_REACHED", "#1b7837"),
    ("INPUT_STALE", "#000000"),
];

fn colour(state: State) -> &'static str {
    STATES.iter().find(|(name, _)| *name == state.name()).map_or("#555", |(_, c)| c)
}

/// The map alone: metres to scale, x to the right, y up.
#[must_use]
pub fn map(world: &World, outcome: &Outcome, width: f64) -> String {
    let points = outcome.track.iter().map(|m| m.position).chain([world.start, world.goal]);
    let (mut x0, mut x1, mut y0, mut y1) =
        (f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::NEG_INFINITY);
    for p in points {
        (x0, x1, y0, y1) = (x0.min(p.x), x1.max(p.x), y0.min(p.y), y1.max(p.y));
    }
    (x0, x1, y0, y1) = (x0 - 4.0, x1 + 4.0, y0 - 6.0, y1 + 6.0);
    let scale = width / (x1 - x0);
    let height = scale * (y1 - y0);
    let (px, py) = (|x: f64| (x - x0) * scale, |y: f64| (y1 - y) * scale);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} \
         {height:.0}\" font-family=\"sans-serif\" font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"#f7f7f2\"/>"
    );
    for shape in &world.shapes {
        let (x, y, r) = shape.disc();
        if x + r < x0 || x - r > x1 || y + r < y0 || y - r > y1 {
            continue;
        }
        let _ = match *shape {
            Shape::Cylinder { x, y, radius, .. } => write!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{:.1}\" fill=\"#6b7a5a\"/>",
                px(x),
                py(y),
                radius * scale
            ),
            Shape::Block { center, half, yaw } => write!(
                svg,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"#7a6a5a\" transform=\"rotate({:.2} \
                 {:.1} {:.1})\"/>",
                px(center.x) - half.x * scale,
                py(center.y) - half.y * scale,
                2.0 * half.x * scale,
                2.0 * half.y * scale,
                -yaw.to_degrees(),
                px(center.x),
                py(center.y)
            ),
        };
    }
    for mover in &world.movers {
        let mut way = String::new();
        let mut time = 0.0;
        while time <= outcome.seconds {
            let (p, _) = mover.at(time);
            let _ = write!(way, "{:.1},{:.1} ", px(p.x), py(p.y));
            time += 0.5;
        }
        let (p, _) = mover.at(outcome.seconds);
        let _ = write!(
            svg,
            "<polyline points=\"{way}\" fill=\"none\" stroke=\"#c9b8a8\" stroke-width=\"1\"/><circle cx=\"{:.1}\" \
             cy=\"{:.1}\" r=\"{:.1}\" fill=\"#a0522d\"/>",
            px(p.x),
            py(p.y),
            mover.kind.radius() * scale
        );
    }
    for pair in outcome.track.windows(2) {
        let [a, b] = pair else { continue };
        let _ = write!(
            svg,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{}\" stroke-width=\"2.5\" \
             stroke-linecap=\"round\"/>",
            px(a.position.x),
            py(a.position.y),
            px(b.position.x),
            py(b.position.y),
            colour(a.status.state)
        );
    }
    let mark = |svg: &mut String, x: f64, y: f64, name: &str| {
        let _ = write!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\" fill=\"none\" stroke=\"#000\" stroke-width=\"1.5\"/><text \
             x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
            px(x),
            py(y),
            px(x) + 8.0,
            py(y) - 6.0
        );
    };
    mark(&mut svg, world.start.x, world.start.y, "start");
    mark(&mut svg, world.goal.x, world.goal.y, "goal");
    if outcome.collided {
        mark(&mut svg, outcome.position.x, outcome.position.y, "contact");
    }
    let metres = ((x1 - x0) / 8.0).max(1.0).round();
    let _ = write!(
        svg,
        "<line x1=\"16\" y1=\"{0:.1}\" x2=\"{1:.1}\" y2=\"{0:.1}\" stroke=\"#000\" stroke-width=\"2\"/><text x=\"16\" \
         y=\"{2:.1}\">{metres:.0} m</text>",
        height - 12.0,
        16.0 + metres * scale,
        height - 18.0
    );
    svg.push_str("</svg>");
    svg
}

fn plot(track: &[Moment], name: &str, unit: &str, top: f64, of: impl Fn(&Moment) -> f64) -> String {
    let (width, height) = (900.0, 130.0);
    let end = track.last().map_or(1.0, |m| m.time).max(0.1);
    let mut line = String::new();
    for m in track {
        let _ = write!(
            line,
            "{:.1},{:.1} ",
            40.0 + (width - 50.0) * m.time / end,
            10.0 + (height - 30.0) * (1.0 - (of(m) / top).clamp(0.0, 1.0))
        );
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"11\"><rect width=\"100%\" height=\"100%\" fill=\"#f7f7f2\"/><text x=\"40\" y=\"{}\">0 s</text><text \
         x=\"{}\" y=\"{}\">{end:.0} s</text><text x=\"4\" y=\"16\">{top:.0}</text><text x=\"4\" y=\"{}\">0</text><text \
         x=\"50\" y=\"18\">{name}, {unit}</text><polyline points=\"{line}\" fill=\"none\" stroke=\"#2166ac\" \
         stroke-width=\"1.5\"/></svg>",
        height - 5.0,
        width - 40.0,
        height - 5.0,
        height - 18.0
    )
}

/// The page.
#[must_use]
pub fn page(title: &str, world: &World, outcome: &Outcome) -> String {
    let verdict = match (outcome.success, outcome.collided) {
        (true, _) => "reached the goal",
        (_, true) => "touched something",
        _ => "ran out of time",
    };
    let legend: String = STATES
        .iter()
        .take(6)
        .map(|(name, c)| format!("<span style=\"color:{c}\">&#9632;</span> {name} "))
        .collect();
    let fastest = outcome.track.iter().map(|m| m.speed).fold(1.0, f64::max).ceil();
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body \
         style=\"font-family:sans-serif;max-width:940px;margin:2em auto\"><h1>{title}</h1><p>The flight {verdict} after \
         {:.1} s and {:.1} m, {:.2} m/s on average; at its nearest, the body was {:.2} m from something. Last state: {} \
         {}.</p><p>{legend}</p>{}<h2>Speed</h2>{}<h2>Clearance</h2>{}</body></html>",
        outcome.seconds,
        outcome.length,
        outcome.length / outcome.seconds.max(0.1),
        outcome.clearance,
        outcome.last.name(),
        outcome.last.reason(),
        map(world, outcome, 900.0),
        plot(&outcome.track, "speed", "m/s", fastest, |m| m.speed),
        plot(&outcome.track, "distance of the body's surface to the nearest thing", "m", 3.0, |m| m
            .clearance),
    )
}
