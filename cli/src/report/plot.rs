//! Lines over time. The drawing is stretched to whatever width there is; letters lie over it and are not.

use std::fmt::Write;

use super::html::{coordinate as c, escape, nice_step, number};

/// Points of one line that are kept at most: two to a bucket, its least and its greatest.
const BUCKETS: usize = 600;

/// One line of a plot.
pub(super) struct Line {
    pub(super) name: &'static str,
    /// The class that colours it.
    pub(super) class: &'static str,
    /// Time in seconds, value.
    pub(super) points: Vec<(f64, f64)>,
}

/// A plot over time.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    pub(super) unit: &'a str,
    pub(super) lines: Vec<Line>,
    /// A level to keep away from: value and name.
    pub(super) floor: Option<(f64, &'a str)>,
    /// The last second shown.
    pub(super) end: f64,
    /// The greatest value shown, where it should be less than the data's.
    pub(super) top: Option<f64>,
}

impl Plot<'_> {
    pub(super) fn html(&self) -> String {
        let values = self.lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((0.0f64, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        let high =
            self.top.map_or(high, |top| high.min(top)).max(self.floor.map_or(0.0, |(value, _)| value * 1.3));
        let high = if high > low { high } else { low + 1.0 };
        let step = nice_step(high - low, 5.0);
        let (low, high) = ((low / step).floor() * step, (high / step - 1e-9).ceil() * step);
        let end = if self.end.is_finite() && self.end > 0.0 { self.end } else { 1.0 };
        let y = |value: f64| 100.0 - (value - low) / (high - low) * 100.0;
        let x = |t: f64| t / end * 1000.0;

        let mut html = String::new();
        let _ = write!(
            html,
            "<figure class=\"plot\"><figcaption><b>{}</b> <span class=\"dim\">{}</span>",
            escape(self.title),
            escape(self.unit)
        );
        for line in &self.lines {
            let _ = write!(
                html,
                "<span class=\"key\"><i class=\"stroke {}\"></i>{}<output></output></span>",
                line.class,
                escape(line.name)
            );
        }
        if let Some((value, name)) = self.floor {
            let digits = if value.fract() == 0.0 { 0 } else { 2 };
            let _ = write!(
                html,
                "<span class=\"key\"><i class=\"stroke floor\"></i>{} {}</span>",
                escape(name),
                number(value, digits)
            );
        }
        let series: Vec<String> = self.lines.iter().map(|line| json(&thin(&line.points))).collect();
        let _ = write!(
            html,
            "</figcaption><div class=\"area\" data-end=\"{}\" data-series=\"[{}]\"><svg viewBox=\"0 0 1000 100\" \
             preserveAspectRatio=\"none\" aria-hidden=\"true\">",
            c(end),
            series.join(",")
        );
        let digits = if step < 0.1 {
            2
        } else if step < 1.0 {
            1
        } else {
            0
        };
        let (mut rules, mut marks) = (String::new(), String::new());
        let levels = ((high - low) / step).round().min(12.0) as usize;
        for level in 0..=levels {
            let value = low + step * level as f64;
            let _ = write!(rules, "M0 {}H1000", c(y(value)));
            let _ = write!(
                marks,
                "<span class=\"y\" style=\"top:{}%\">{}</span>",
                c(y(value)),
                number(value, digits)
            );
        }
        let every = nice_step(end, 6.0);
        for mark in 0..=((end / every).floor() as usize).min(20) {
            let t = every * mark as f64;
            let digits = if every < 1.0 { 1 } else { 0 };
            let unit = if mark == 0 { " s" } else { "" };
            let _ = write!(
                marks,
                "<span class=\"x\" style=\"left:{}%\">{}{unit}</span>",
                c(t / end * 100.0),
                number(t, digits)
            );
        }
        let _ = write!(html, "<path class=\"grid\" d=\"{rules}\"/>");
        if let Some((value, _)) = self.floor {
            let top = c(y(value));
            let _ = write!(
                html,
                "<rect class=\"below\" x=\"0\" y=\"{top}\" width=\"1000\" height=\"{}\"/>",
                c(100.0 - y(value))
            );
            let _ = write!(html, "<path class=\"floor\" d=\"M0 {top}H1000\"/>");
        }
        for line in &self.lines {
            let mut points = String::new();
            for (t, value) in thin(&line.points) {
                let _ = write!(points, "{},{} ", c(x(t)), c(y(value).clamp(-5.0, 105.0)));
            }
            let _ = write!(html, "<polyline class=\"{}\" points=\"{}\"/>", line.class, points.trim_end());
        }
        let _ = write!(html, "</svg>{marks}<i class=\"cursor\" hidden></i></div></figure>");
        html
    }
}

fn json(points: &[(f64, f64)]) -> String {
    let mut text = String::from("[");
    for (at, (t, value)) in points.iter().enumerate() {
        let _ = write!(text, "{}[{},{}]", if at > 0 { "," } else { "" }, c(*t), c(*value));
    }
    text.push(']');
    text
}

/// Keeps the least and the greatest of each bucket, in order of time: a short dip stays in sight.
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let finite: Vec<(f64, f64)> =
        points.iter().copied().filter(|(t, value)| t.is_finite() && value.is_finite()).collect();
    if finite.len() <= 2 * BUCKETS {
        return finite;
    }
    let mut kept = Vec::with_capacity(2 * BUCKETS + 2);
    for bucket in finite.chunks(finite.len().div_ceil(BUCKETS)) {
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        if let (Some(least), Some(most)) = (bucket.iter().min_by(by_value), bucket.iter().max_by(by_value)) {
            let (first, second) = if least.0 <= most.0 { (least, most) } else { (most, least) };
            kept.push(*first);
            if first != second {
                kept.push(*second);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_dip_survives_thinning() {
        let mut points: Vec<(f64, f64)> = (0..50_000).map(|at| (f64::from(at), 5.0)).collect();
        points[31_234].1 = 0.25;
        points[7].1 = f64::NAN;
        let kept = thin(&points);
        assert!(kept.len() <= 2 * BUCKETS + 2 && kept.contains(&(31_234.0, 0.25)));
        assert!(kept.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }

    #[test]
    fn nothing_to_draw_is_no_panic() {
        let line = Line { name: "speed", class: "speed", points: vec![(f64::NAN, f64::INFINITY)] };
        for end in [0.0, f64::NAN, f64::INFINITY, 1e-300, 1e300] {
            let plot =
                Plot { title: "t", unit: "u", lines: vec![], floor: Some((0.0, "f")), end, top: Some(0.0) };
            assert!(!plot.html().contains("NaN"));
        }
        let plot = Plot { title: "t", unit: "u", lines: vec![line], floor: None, end: 3.0, top: None };
        assert!(!plot.html().contains("inf"));
    }
}
