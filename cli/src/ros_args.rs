//! The arguments that every ROS 2 executable takes: `--ros-args -r a:=b -p name:=value --params-file F ... --`.

use std::path::PathBuf;

use peregrine_core::{ParamMap, ParamValue};
use peregrine_launch::{parse_params_file, parse_value};

use crate::error::{Error, Result};

/// What stands between `--ros-args` and `--` (or the end).
#[derive(Debug, Default, Clone, PartialEq)]
pub struct RosArgs {
    pub name: Option<String>,
    pub namespace: Option<String>,
    pub remaps: Vec<(String, String)>,
    pub params: Vec<(String, ParamValue)>,
    pub params_files: Vec<PathBuf>,
    pub log_level: Option<String>,
    pub enclave: Option<String>,
}

/// Takes `--ros-args ... [--]` out of a command line.
pub fn split(argv: impl IntoIterator<Item = String>) -> (Vec<String>, Vec<String>) {
    let (mut own, mut ros) = (Vec::new(), Vec::new());
    let mut inside = false;
    for word in argv {
        match (inside, word.as_str()) {
            (_, "--ros-args") => inside = true,
            (true, "--") => inside = false,
            (true, _) => ros.push(word),
            (false, _) => own.push(word),
        }
    }
    (own, ros)
}

fn bad(value: &str, why: &str) -> Error {
    Error::Argument { what: "--ros-args", value: value.to_owned(), why: why.to_owned() }
}

/// `a:=b` as two words.
pub fn assignment(text: &str) -> Result<(String, String)> {
    text.split_once(":=")
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| bad(text, "write it as name:=value"))
}

/// The value that the text of `-p name:=text` stands for: YAML, as in launch files and for rcl.
pub fn value(name: &str, text: &str) -> Result<ParamValue> {
    let wrong = |why: String| Error::Argument { what: "parameter", value: format!("{name}:={text}"), why };
    let json = parse_value(text).map_err(wrong)?;
    ParamValue::from_json(&json).ok_or_else(|| wrong("ROS has no parameter of that type".into()))
}

/// A level as rcl writes it (`DEBUG`, `fatal`, `my_logger:=info`), as `tracing` does. There is one log for the process, so a
/// level for one logger holds for all.
pub fn log_level(text: &str) -> String {
    let level = text.rsplit(":=").next().unwrap_or(text).to_lowercase();
    match level.as_str() {
        "fatal" => "error".into(),
        "unset" => "info".into(),
        _ => level,
    }
}

impl RosArgs {
    /// Adds one remap; `__node`, `__name` and `__ns` name the node.
    pub fn remap(&mut self, text: &str) -> Result {
        let (from, to) = assignment(text)?;
        match from.as_str() {
            "__node" | "__name" => self.name = Some(to),
            "__ns" => self.namespace = Some(to),
            _ => self.remaps.push((from, to)),
        }
        Ok(())
    }

    /// Adds one parameter.
    pub fn param(&mut self, text: &str) -> Result {
        let (name, text) = assignment(text)?;
        let value = value(&name, &text)?;
        self.params.push((name, value));
        Ok(())
    }

    /// Reads the words between `--ros-args` and `--`.
    pub fn parse(words: &[String]) -> Result<Self> {
        let mut args = Self::default();
        let mut words = words.iter();
        while let Some(flag) = words.next() {
            let mut value = || words.next().ok_or_else(|| bad(flag, "a value must follow it"));
            match flag.as_str() {
                "-r" | "--remap" => args.remap(value()?)?,
                "-p" | "--param" => args.param(value()?)?,
                "--params-file" => args.params_files.push(value()?.into()),
                "--log-level" => args.log_level = Some(value()?.clone()),
                // Without DDS security it only shows in the graph, as with rmw_zenoh.
                "-e" | "--enclave" => args.enclave = Some(value()?.clone()),
                // What rclcpp takes as well. Logging here goes to standard error and /rosout whatever they say.
                "--enable-rosout-logs"
                | "--disable-rosout-logs"
                | "--enable-stdout-logs"
                | "--disable-stdout-logs"
                | "--enable-external-lib-logs"
                | "--disable-external-lib-logs" => {}
                "--log-config-file" | "--log-file-name" => {
                    value()?;
                }
                _ => {
                    return Err(bad(
                        flag,
                        "known are -r, -p, --params-file, --log-level, --enclave and rcl's switches for logs",
                    ));
                }
            }
        }
        Ok(args)
    }

    /// The parameters of the node with that full name: those of the files, each over the ones before it, then those given by
    /// name. A file without an entry for the node is warned of.
    pub fn params_of(&self, full_name: &str) -> Result<ParamMap> {
        let mut params = ParamMap::new();
        for file in &self.params_files {
            let text = std::fs::read_to_string(file).map_err(Error::file("read", file))?;
            let shown = file.display().to_string();
            let parsed = parse_params_file(&shown, &text)?;
            let mut matched = false;
            for entry in parsed.entries.iter().filter(|entry| entry.matches(full_name)) {
                matched = true;
                for (key, value) in &entry.params {
                    let typed = ParamValue::from_json(value).ok_or_else(|| Error::Argument {
                        what: "parameter",
                        value: format!("{key}: {value}"),
                        why: "ROS has no parameter of that type".into(),
                    })?;
                    params.insert(key.clone(), typed);
                }
            }
            if !matched {
                tracing::warn!(
                    "PG-1310: no entry of '{shown}' matches '{full_name}'; name the node or use /**"
                );
            }
        }
        params.extend(self.params.iter().cloned());
        Ok(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_ros_command_line_is_understood() {
        let (own, ros) =
            split(words("run camera --ros-args -r __node:=left -r a:=/b -p rate:=10.0 -- --threads 2"));
        assert_eq!(own, words("run camera --threads 2"));
        let args = RosArgs::parse(&ros).unwrap();
        assert_eq!(args.name.as_deref(), Some("left"));
        assert_eq!(args.remaps, [("a".to_owned(), "/b".to_owned())]);
        assert_eq!(args.params, [("rate".to_owned(), ParamValue::Double(10.0))]);
        let rclcpp = "--log-level debug --disable-rosout-logs --log-file-name x -e /front --params-file a.yaml -r __ns:=/a";
        let args = RosArgs::parse(&words(rclcpp)).unwrap();
        assert_eq!(args.enclave.as_deref(), Some("/front"));
        assert_eq!(args.log_level.as_deref(), Some("debug"));
        assert_eq!((args.namespace.as_deref(), args.params_files.len()), (Some("/a"), 1));
    }

    /// Values as the READMEs and docs/ write them after `-p`, once the shell has taken its quotes.
    #[test]
    fn values_are_yaml() {
        use ParamValue as V;
        let strings = |words: &[&str]| V::StringArray(words.iter().map(|word| (*word).to_owned()).collect());
        let clock = "/clock@rosgraph_msgs/msg/Clock[gz.msgs.Clock";
        for (text, value) in [
            ("exclude:=[sim]", strings(&["sim"])),
            ("topics:=[camera]", strings(&["camera"])),
            ("recipients:=[age1qqq, age1zzz]", strings(&["age1qqq", "age1zzz"])),
            (format!("bridges:=['{clock}', '/a@b[c']").as_str(), strings(&[clock, "/a@b[c"])),
            (format!("bridges:=[\"{clock}\"]").as_str(), strings(&[clock])),
            ("class_margins:=[person=0.4, car=0.2]", strings(&["person=0.4", "car=0.2"])),
            ("recipients:=[]", strings(&[])),
            ("fence_low_m:=[-5.0, -5, 0]", V::DoubleArray(vec![-5.0, -5.0, 0.0])),
            ("autopilot.motors:=[0, 1, 2, 3]", V::IntegerArray(vec![0, 1, 2, 3])),
            // One word is text, whatever else is in it.
            ("path:=sim", V::String("sim".into())),
            ("link:=udpin:127.0.0.1:14540", V::String("udpin:127.0.0.1:14540".into())),
            ("link:=serial:/dev/ttyTHS1:921600", V::String("serial:/dev/ttyTHS1:921600".into())),
            (
                "camera_info_url:=file:///etc/robot/front.yaml",
                V::String("file:///etc/robot/front.yaml".into()),
            ),
            ("path:=", V::String(String::new())),
            ("world:='17'", V::String("17".into())),
            ("depth:=false", V::Bool(false)),
            ("rate_hz:=10", V::Integer(10)),
            ("min_score:=-1.0", V::Double(-1.0)),
        ] {
            let mut args = RosArgs::default();
            args.param(text).unwrap();
            assert_eq!(args.params[0].1, value, "{text}");
        }
        for bad in ["a:=[1, b]", "a:=[", "a:={b: 1}", "a:=[[1], [2]]"] {
            let said = RosArgs::default().param(bad).unwrap_err().to_string();
            assert!(said.contains("PG-1301") && said.contains(bad), "{said}");
        }
    }

    #[test]
    fn log_levels_are_those_of_rcl() {
        for (ros, ours) in [("DEBUG", "debug"), ("fatal", "error"), ("camera:=warn", "warn")] {
            assert_eq!(log_level(ros), ours);
        }
    }

    #[test]
    fn mistakes_are_named() {
        for bad in ["-r", "-r x", "-p :=3", "--unknown"] {
            assert!(RosArgs::parse(&words(bad)).unwrap_err().to_string().contains("PG-1301"), "{bad}");
        }
    }
}
