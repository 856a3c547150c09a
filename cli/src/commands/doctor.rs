//! `peregrine doctor [frames|codes|PG-xxxx]`.

use crate::args::Doctor;
use crate::doctor::{self, Level, codes, frames};
use crate::error::{Error, Result};

pub fn run(args: &Doctor) -> Result {
    match args.what.as_deref() {
        None => everything(args.json),
        Some("frames") => frames::run(args.json, args.clean),
        Some("codes") => {
            print!("{}", codes::list());
            Ok(())
        }
        Some(word) => {
            print!("{}", codes::explain(word)?);
            Ok(())
        }
    }
}

fn everything(json: bool) -> Result {
    let findings = doctor::all();
    if json {
        println!("{}", serde_json::json!(findings));
    } else {
        for finding in &findings {
            println!("{finding}");
        }
    }
    match findings.iter().filter(|finding| finding.level == Level::Bad).count() {
        0 => Ok(()),
        count => Err(Error::Unwell { count }),
    }
}
