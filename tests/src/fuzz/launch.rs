//! Launch files and parameter files.

use std::io;

use peregrine_launch::{LaunchError, LaunchOptions, Packages, Share, parse_params_file, plan_text};

use super::code;

/// Packages that reach no file, but for the embedded ones and the text itself, so that files may include each other.
struct NoDisk<'a> {
    name: &'a str,
    text: &'a str,
}

impl Packages for NoDisk<'_> {
    fn share(&self, package: &str) -> Option<String> {
        Share::embedded().share(package)
    }

    fn prefix(&self, _package: &str) -> Option<String> {
        None
    }

    fn known(&self) -> Vec<String> {
        Share::embedded().known()
    }

    fn read(&self, path: &str) -> io::Result<String> {
        if path.rsplit('/').next() == Some(self.name) {
            return Ok(self.text.to_owned());
        }
        if path.starts_with("embedded:") {
            return Share::embedded().read(path);
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "no such file while fuzzing"))
    }
}

/// A launch file in XML, read and evaluated.
pub fn launch_xml(data: &[u8]) {
    plan("fuzz.launch.xml", data);
}

/// A launch file in YAML, read and evaluated.
pub fn launch_yaml(data: &[u8]) {
    plan("fuzz.launch.yaml", data);
}

/// A file of parameters.
pub fn params_file(data: &[u8]) {
    let _ = check(parse_params_file("fuzz.yaml", &String::from_utf8_lossy(data)));
}

fn plan(name: &str, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let packages = NoDisk { name, text: &text };
    if let Ok(plan) = check(plan_text(name, &text, &LaunchOptions::new(&packages))) {
        for node in &plan.nodes {
            let _ = (node.full_name(), node.command_line(), check(node.reserved()));
        }
        for unit in plan.units() {
            let _ = unit;
        }
    }
}

fn check<T>(result: Result<T, LaunchError>) -> Result<T, LaunchError> {
    result.inspect_err(|error| code(error, "PG-11"))
}
