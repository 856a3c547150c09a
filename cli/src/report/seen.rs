//! What the network saw: detections against the simulator's boxes, and frames to look at.

use std::fmt::Write;

use super::html::{coordinate as c, escape, image_url, maybe, number, percent};
use super::score::{ClassScore, Verdict};
use super::{AnnotatedFrame, FlightRecord};

fn bar(share: Option<f64>) -> String {
    let width = c(share.unwrap_or(0.0).clamp(0.0, 1.0) * 100.0);
    format!(
        "<span class=\"share\"><i style=\"width:{width}%\"></i></span><span class=\"n\">{}</span>",
        percent(share)
    )
}

pub(super) fn detections(record: &FlightRecord) -> String {
    let table = &record.score;
    if table.classes.is_empty() {
        return "<p class=\"none\">Nothing was detected, and nothing was there to be detected.</p>"
            .to_owned();
    }
    let mut html = String::from(
        "<div class=\"pair\"><div class=\"scroll\"><table><thead><tr><th>class</th><th class=\"n\">true</th>\
         <th class=\"n\">found</th><th>recall</th><th class=\"n\">false</th><th>precision</th></tr></thead><tbody>",
    );
    for row in &table.classes {
        class_row(&mut html, row, "");
    }
    html.push_str("</tbody><tfoot>");
    class_row(&mut html, &table.total(), "all classes");
    html.push_str("</tfoot></table></div>");
    html.push_str("<div class=\"distance\"><h3>Recall by distance</h3>");
    if table.distances.is_empty() {
        html.push_str("<p class=\"none\">No distances were recorded.</p>");
    }
    for range in &table.distances {
        let name = match range.to_m {
            Some(to) => format!("{}–{} m", number(range.from_m, 0), number(to, 0)),
            None => format!("over {} m", number(range.from_m, 0)),
        };
        let _ = write!(
            html,
            "<div class=\"range\"><span>{name}</span>{}<span class=\"n dim\">{} of {}</span></div>",
            bar(range.recall()),
            range.hits,
            range.truths
        );
    }
    html.push_str("</div></div>");
    html.push_str(&timeline(record));
    let _ = write!(
        html,
        "<p class=\"dim\">Every box comes from the network alone. A detection counts as found when it overlaps a free true \
         box of its class by at least {} (intersection over union), the most confident first. Things that show less than {} \
         of themselves count neither way: {} detections were of such. {} frames were compared.</p>",
        number(table.min_iou, 2),
        percent(Some(table.min_visible)),
        number(table.total().ignored as f64, 0),
        number(table.frames as f64, 0)
    );
    html
}

fn class_row(html: &mut String, row: &ClassScore, name: &str) {
    let name = if name.is_empty() { escape(&row.class) } else { name.to_owned() };
    let _ = write!(
        html,
        "<tr><th scope=\"row\">{name}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"meter\">{}</td>\
         <td class=\"n\">{}</td><td class=\"meter\">{}</td></tr>",
        number(row.truths as f64, 0),
        number(row.hits as f64, 0),
        bar(row.recall()),
        number(row.false_alarms as f64, 0),
        bar(row.precision())
    );
}

/// One dot a detection: when, how confident, and whether it was right.
fn timeline(record: &FlightRecord) -> String {
    let end = record.summary.sim_seconds.max(record.path.last().map_or(0.0, |sample| sample.t));
    if record.detections.is_empty() || !end.is_finite() || end <= 0.0 {
        return String::new();
    }
    let stride = record.detections.len().div_ceil(4000);
    let mut dots = [String::new(), String::new(), String::new()];
    for detection in record.detections.iter().step_by(stride) {
        let place = match detection.verdict {
            Verdict::Ignored => 0,
            Verdict::False => 1,
            Verdict::Hit => 2,
        };
        let (x, y) = (detection.t / end * 1000.0, 100.0 - detection.score.clamp(0.0, 1.0) * 100.0);
        let _ = write!(dots[place], "M{} {}h0", c(x), c(y));
    }
    let mut html = String::from(
        "<figure class=\"plot dots\"><figcaption><b>Detections over time</b> <span class=\"dim\">confidence</span>\
         <span class=\"key\"><i class=\"dot hit\"></i>right</span><span class=\"key\"><i class=\"dot false\"></i>false</span>\
         <span class=\"key\"><i class=\"dot ignored\"></i>does not count</span></figcaption><div class=\"area low\">\
         <svg viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <path class=\"grid\" d=\"M0 0H1000M0 50H1000M0 100H1000\"/>",
    );
    for (class, dots) in ["ignored", "false", "hit"].into_iter().zip(dots) {
        let _ = write!(html, "<path class=\"{class}\" d=\"{dots}\"/>");
    }
    let _ = write!(
        html,
        "</svg><span class=\"y\" style=\"top:0\">1</span><span class=\"y\" style=\"top:50%\">0.5</span>\
         <span class=\"y\" style=\"top:100%\">0</span><span class=\"x\" style=\"left:0\">0 s</span>\
         <span class=\"x\" style=\"left:100%\">{}</span></div></figure>",
        number(end, 0)
    );
    html
}

pub(super) fn gallery(frames: &[AnnotatedFrame]) -> String {
    if frames.is_empty() {
        return "<p class=\"none\">No frames were kept.</p>".to_owned();
    }
    let mut html = String::from("<div class=\"gallery\">");
    for frame in frames {
        let alt = escape(&format!("Camera frame at {} s. {}", number(frame.t, 1), frame.caption));
        html.push_str("<figure>");
        let _ = match image_url(&frame.image) {
            Some(url) => write!(html, "<img src=\"{url}\" alt=\"{alt}\" loading=\"lazy\">"),
            None => write!(html, "<p class=\"none\">This frame is neither PNG nor JPEG.</p>"),
        };
        let _ = write!(
            html,
            "<figcaption><b>{} s</b> {}<ul class=\"chips\">",
            number(frame.t, 1),
            escape(&frame.caption)
        );
        for label in &frame.labels {
            let class = match label.verdict {
                Verdict::Hit => "hit",
                Verdict::False => "false",
                Verdict::Ignored => "ignored",
            };
            let _ = write!(
                html,
                "<li class=\"{class}\">{} {}</li>",
                escape(&label.class),
                maybe(Some(label.score), 2)
            );
        }
        html.push_str("</ul></figcaption></figure>");
    }
    html.push_str("</div>");
    html
}
