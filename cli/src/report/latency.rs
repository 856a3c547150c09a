//! How long each hop of a frame's way takes: the distribution, its median and its 99th percentile.

use std::fmt::Write;

use super::html::{coordinate as c, escape, number};
use super::{Hop, Percentiles};

const BINS: usize = 48;

pub(super) fn section(hops: &[Hop]) -> String {
    let rows: Vec<(&Hop, Percentiles)> =
        hops.iter().filter_map(|hop| Some((hop, Percentiles::of(&hop.samples_ms)?))).collect();
    if rows.is_empty() {
        return "<p class=\"none\">No latency was recorded.</p>".to_owned();
    }
    let longest = rows.iter().map(|(_, row)| row.p99).fold(0.0, f64::max).max(1e-6) * 1.08;
    let mut html = String::from("<div class=\"hops\" role=\"table\" aria-label=\"Latency per hop\">");
    html.push_str(
        "<div class=\"hop head\" role=\"row\"><span role=\"columnheader\">hop</span>\
         <span role=\"columnheader\" class=\"bars\"></span><span role=\"columnheader\">p50</span>\
         <span role=\"columnheader\">p99</span><span role=\"columnheader\">samples</span></div>",
    );
    for (hop, row) in rows {
        let digits = if row.p99 < 1.0 {
            3
        } else if row.p99 < 10.0 {
            2
        } else {
            1
        };
        let _ = write!(
            html,
            "<div class=\"hop\" role=\"row\"><span role=\"cell\">{}</span><span role=\"cell\" class=\"bars\" \
             style=\"--p50:{}%;--p99:{}%\"><svg viewBox=\"0 0 {BINS} 10\" preserveAspectRatio=\"none\" \
             aria-hidden=\"true\">{}</svg><i class=\"p99\"></i><i class=\"p50\"></i></span>\
             <span role=\"cell\" class=\"n\"><em>p50</em> {} ms</span><span role=\"cell\" class=\"n\"><em>p99</em> {} ms</span>\
             <span role=\"cell\" class=\"n dim\"><em>n</em> {}</span></div>",
            escape(&hop.name),
            c(row.p50 / longest * 100.0),
            c(row.p99 / longest * 100.0),
            histogram(&hop.samples_ms, longest),
            number(row.p50, digits),
            number(row.p99, digits),
            number(hop.samples_ms.len() as f64, 0)
        );
    }
    let _ = write!(
        html,
        "</div><p class=\"dim\">Wall time on the machine that flew, all hops on one scale from 0 to {} ms. \
         Thick bar: up to the median; thin bar: up to the 99th percentile; behind them the distribution.</p>",
        number(longest, if longest < 10.0 { 2 } else { 0 })
    );
    html
}

/// Bars of the share of samples a bin, the fullest as high as the row.
fn histogram(samples: &[f64], longest: f64) -> String {
    let mut bins = [0u32; BINS];
    for sample in samples.iter().filter(|sample| sample.is_finite() && **sample < longest) {
        let at = (sample / longest * BINS as f64).max(0.0) as usize;
        bins[at.min(BINS - 1)] += 1;
    }
    let most = f64::from(bins.iter().copied().max().unwrap_or(0).max(1));
    bins.iter().enumerate().filter(|(_, count)| **count > 0).fold(String::new(), |mut bars, (at, count)| {
        // A square root keeps rare bins in sight.
        let height = (f64::from(*count) / most).sqrt() * 10.0;
        let _ = write!(bars, "<path d=\"M{at} 10h1v-{}h-1z\"/>", c(height.max(0.6)));
        bars
    })
}
