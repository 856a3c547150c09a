//! `cargo xtask arrows`: ARCHITECTURE.md's arrows and the rules that every crate keeps.
//!
//! A dependency that runs the wrong way compiles, tests and ships like any other, and nobody notices until a crate that
//! should be useful alone drags the whole house along. So it is looked at here, from what cargo itself says.

mod check;
mod read;
mod table;

use crate::shell::Outcome;

/// Looks at the workspace.
pub fn run() -> Outcome {
    let house = read::workspace()?;
    let crates = house.len();
    let wrong = check::check(&house, &table::ROOMS, &table::FENCES);
    if wrong.is_empty() {
        println!("arrows: {crates} crates, every dependency points the right way");
        return Ok(());
    }
    for sentence in &wrong {
        println!("arrows: {sentence}");
    }
    Err(format!("{} of the rules of ARCHITECTURE.md are broken", wrong.len()))
}
