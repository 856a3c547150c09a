//! The tables that people read, and the same as JSON.

use serde_json::{Value, json};

use super::results::{Cell, Row};

fn title(cell: &Cell) -> String {
    let pace = cell.hz.map_or("flooded".to_owned(), |hz| format!("{hz:.0} Hz"));
    let readers =
        if cell.readers > 1 { format!(", {} readers, the slowest", cell.readers) } else { String::new() };
    format!("{} RGB, {pace}{readers}", cell.size.label())
}

/// Prints all rows, those of one case together.
pub(super) fn print(rows: &[Row]) {
    let mut titles: Vec<String> = Vec::new();
    for row in rows {
        let title = title(&row.cell);
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    for wanted in titles {
        println!("\n{wanted}");
        println!(
            "  {:<28}{:>10}{:>10}{:>11}{:>9}{:>9}{:>10}{:>11}{:>10}",
            "", "p50 us", "p99 us", "CPU us/fr.", "lost", "no loan", "alloc/fr.", "sent/s", "got/s"
        );
        for row in rows.iter().filter(|row| title(&row.cell) == wanted) {
            let f = row.figures();
            let torn = if f.torn > 0 { format!("  {} TORN", f.torn) } else { String::new() };
            println!(
                "  {:<28}{:>10}{:>10}{:>11.1}{:>9}{:>9}{:>10.2}{:>11.0}{:>10.0}{torn}",
                row.cell.subject,
                micros(f.p50_us),
                micros(f.p99_us),
                f.cpu_us,
                f.lost,
                f.failed_loans,
                f.allocations,
                f.published_hz,
                f.received_hz
            );
        }
    }
}

/// Three digits at the least.
fn micros(us: f64) -> String {
    if us < 10.0 { format!("{us:.3}") } else { format!("{us:.1}") }
}

/// The same as JSON.
pub(super) fn json(rows: &[Row]) -> Value {
    let one = |row: &Row| {
        let f = row.figures();
        let p50s: Vec<f64> = row.rounds.iter().map(super::job::Measured::p50_us).collect();
        json!({
            "subject": row.cell.subject, "size": row.cell.size.label(), "hz": row.cell.hz,
            "readers": row.cell.readers, "p50_us": f.p50_us, "p50_us_of_rounds": p50s, "p99_us": f.p99_us,
            "cpu_us_per_frame": f.cpu_us, "allocations_per_frame": f.allocations, "lost": f.lost,
            "failed_loans": f.failed_loans, "torn": f.torn, "published_per_s": f.published_hz,
            "received_per_s": f.received_hz,
        })
    };
    Value::Array(rows.iter().map(one).collect())
}
