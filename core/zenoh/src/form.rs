//! Whose keys are spoken: chosen when the program starts, as the distribution is.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::keys::{ROOT, data_key, ros2dds_key};

/// The form of keys on Zenoh. Who speaks one exchanges nothing with who speaks the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum KeyForm {
    /// That of rmw_zenoh: ROS 2 nodes on Zenoh itself.
    #[default]
    RmwZenoh,
    /// That of zenoh-bridge-ros2dds: ROS 2 nodes on DDS, behind a bridge. There is no domain on Zenoh's side; the bridge has
    /// one on DDS's.
    Ros2Dds,
}

/// Root of the tokens with which our own processes tell each other of nodes where bridges' tokens cannot.
pub(crate) const OWN_ROOT: &str = "@peregrine_lv";

/// The environment variable that names the form.
const VARIABLE: &str = "PEREGRINE_ZENOH_KEYS";

impl KeyForm {
    /// `PEREGRINE_ZENOH_KEYS`; rmw_zenoh's when unset.
    ///
    /// # Errors
    /// PG-1206 when it is not known.
    pub fn from_env() -> Result<Self> {
        match std::env::var(VARIABLE).ok().filter(|value| !value.is_empty()) {
            Some(text) => text.parse(),
            None => Ok(Self::default()),
        }
    }

    /// The key that carries a topic's messages or a service's calls.
    pub(crate) fn key(self, domain: u32, name: &str, type_name: &str, hash: &str) -> String {
        match self {
            Self::RmwZenoh => data_key(domain, name, type_name, hash),
            Self::Ros2Dds => ros2dds_key(name).to_owned(),
        }
    }

    /// Root of the tokens that tell of nodes. Bridges have none, and rmw_zenoh's own must not show nodes that it cannot
    /// reach: so ours get another.
    pub(crate) fn root(self) -> &'static str {
        match self {
            Self::RmwZenoh => ROOT,
            Self::Ros2Dds => OWN_ROOT,
        }
    }

    /// A token in the form of rmw_zenoh, as it is declared.
    pub(crate) fn outside(self, token: &str) -> String {
        format!("{}{}", self.root(), token.strip_prefix(ROOT).unwrap_or(token))
    }

    /// A token as it was declared, in the form of rmw_zenoh.
    pub(crate) fn inside(self, declared: &str) -> Cow<'_, str> {
        match (self, declared.strip_prefix(OWN_ROOT)) {
            (Self::Ros2Dds, Some(rest)) => Cow::Owned(format!("{ROOT}{rest}")),
            _ => Cow::Borrowed(declared),
        }
    }
}

impl FromStr for KeyForm {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "rmw_zenoh" => Ok(Self::RmwZenoh),
            "ros2dds" => Ok(Self::Ros2Dds),
            _ => Err(Error::Config {
                variable: VARIABLE,
                value: text.to_owned(),
                why: "known are rmw_zenoh and ros2dds".into(),
            }),
        }
    }
}

impl fmt::Display for KeyForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RmwZenoh => "rmw_zenoh",
            Self::Ros2Dds => "ros2dds",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_has_its_keys_and_tokens() {
        let token = "@ros2_lv/0/z/0/0/NN/%/%/n";
        for (form, key, declared) in [
            ("rmw_zenoh", "3/a/b/p::msg::dds_::T_/R", token),
            ("ROS2DDS", "a/b", "@peregrine_lv/0/z/0/0/NN/%/%/n"),
        ] {
            let form: KeyForm = form.parse().unwrap();
            assert_eq!(form.key(3, "/a/b", "p/msg/T", "R"), key);
            assert_eq!(form.outside(token), declared);
            assert_eq!(form.inside(declared), token);
            assert_eq!(form.to_string().parse::<KeyForm>().unwrap(), form);
        }
        let error = "dds".parse::<KeyForm>().unwrap_err().to_string();
        assert!(error.contains("PG-1206") && error.contains("ros2dds"), "{error}");
    }
}
