//! Writes the message types into `OUT_DIR`.

use std::path::Path;
use std::{env, fs, process};

fn main() {
    println!("cargo::rerun-if-changed=defs");
    println!("cargo::rerun-if-changed=build.rs");
    if let Err(error) = run() {
        println!("cargo::error={error}");
        process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let text = peregrine_msgs_codegen::generate(&Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("defs"))?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("messages.rs"), text)?;
    Ok(())
}
