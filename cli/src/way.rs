//! The way to other processes: Zenoh, or the DDS of an installed ROS 2 where that was built in.

use std::sync::Arc;

use peregrine_core::App;
use peregrine_zenoh::{Link, LinkOptions};

use crate::error::Result;

/// An open way, which an application's transport carries its topics over.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    Zenoh(Arc<Link>),
    #[cfg(feature = "dds")]
    Dds(Arc<peregrine_dds::Link>),
}

/// What the environment asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Zenoh,
    Dds,
}

impl Way {
    /// Other processes are a convenience: without them the nodes of this one still work, and that is said.
    pub fn open(enclave: Option<&str>) -> Option<Self> {
        Self::find(enclave, true)
    }

    /// The way to those who are there, for a program that ends at once: on Zenoh it never becomes the meeting point of others.
    pub fn join() -> Option<Self> {
        Self::find(None, false)
    }

    fn find(enclave: Option<&str>, may_host: bool) -> Option<Self> {
        let value = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let asked = asked(value("PEREGRINE_TRANSPORT").as_deref(), value("RMW_IMPLEMENTATION").as_deref());
        let opened = match asked {
            Ok(Asked::Zenoh) => zenoh(enclave, may_host),
            Ok(Asked::Dds) => dds(enclave, may_host),
            Err(text) => {
                tracing::warn!("{text}");
                zenoh(enclave, may_host)
            }
        };
        opened.unwrap_or_else(|text| {
            tracing::warn!("{text}; this process goes on by itself");
            None
        })
    }

    /// Gives the application the transport of this way.
    ///
    /// # Errors
    /// Whatever keeps a node from being added.
    pub fn carry(&self, app: &mut App) -> Result {
        match self {
            Self::Zenoh(link) => {
                peregrine_zenoh::carry(app, link)?;
            }
            #[cfg(feature = "dds")]
            Self::Dds(link) => peregrine_dds::carry(app, link)?,
        }
        Ok(())
    }

    /// Ends it.
    pub fn close(self) {
        match self {
            Self::Zenoh(link) => link.close(),
            // Left when the last one who holds it is gone.
            #[cfg(feature = "dds")]
            Self::Dds(link) => drop(link),
        }
    }
}

/// `PEREGRINE_TRANSPORT` decides; without it, DDS is taken where the ROS 2 programs around are told to use one.
fn asked(transport: Option<&str>, rmw: Option<&str>) -> std::result::Result<Asked, String> {
    let built_in = cfg!(feature = "dds");
    match (transport, rmw) {
        (Some("zenoh"), _) => Ok(Asked::Zenoh),
        (Some("dds"), _) if built_in => Ok(Asked::Dds),
        (Some("dds"), _) => Err(
            "PG-1361: PEREGRINE_TRANSPORT is 'dds', but DDS is not built into this program, and Zenoh is \
                                 used; build it with `--features dds` in a ROS 2 environment (docs/ros2.md)"
                .to_owned(),
        ),
        (Some(other), _) => Err(format!(
            "PG-1362: PEREGRINE_TRANSPORT is '{other}', and Zenoh is used; known are zenoh and dds"
        )),
        (None, None | Some("rmw_zenoh_cpp")) => Ok(Asked::Zenoh),
        (None, Some(_)) if built_in => Ok(Asked::Dds),
        (None, Some(rmw)) => Err(format!(
            "PG-1363: RMW_IMPLEMENTATION is '{rmw}', whose nodes do not hear Zenoh, which is used; build with `--features dds` \
             in a ROS 2 environment (docs/ros2.md), or set RMW_IMPLEMENTATION=rmw_zenoh_cpp for all"
        )),
    }
}

fn zenoh(enclave: Option<&str>, may_host: bool) -> std::result::Result<Option<Way>, String> {
    let mut options = LinkOptions::from_env(may_host).map_err(|error| error.to_string())?;
    if let Some(enclave) = enclave {
        enclave.clone_into(&mut options.enclave);
    }
    let link = Link::open(&options).map_err(|error| error.to_string())?;
    Ok(link.map(|link| Way::Zenoh(Arc::new(link))))
}

#[cfg(feature = "dds")]
fn dds(enclave: Option<&str>, _may_host: bool) -> std::result::Result<Option<Way>, String> {
    let link = peregrine_dds::Link::open(enclave).map_err(|error| error.to_string())?;
    Ok(Some(Way::Dds(Arc::new(link))))
}

#[cfg(not(feature = "dds"))]
fn dds(enclave: Option<&str>, may_host: bool) -> std::result::Result<Option<Way>, String> {
    zenoh(enclave, may_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_chooses_and_what_it_cannot_have_is_said() {
        assert_eq!(asked(None, None), Ok(Asked::Zenoh));
        assert_eq!(asked(None, Some("rmw_zenoh_cpp")), Ok(Asked::Zenoh));
        assert_eq!(asked(Some("zenoh"), Some("rmw_fastrtps_cpp")), Ok(Asked::Zenoh));
        assert!(asked(Some("ddds"), None).unwrap_err().contains("PG-1362"));
        let built_in = cfg!(feature = "dds");
        for (transport, rmw, code) in
            [(Some("dds"), None, "PG-1361"), (None, Some("rmw_fastrtps_cpp"), "PG-1363")]
        {
            match asked(transport, rmw) {
                Ok(asked) => assert!(built_in && asked == Asked::Dds),
                Err(text) => assert!(!built_in && text.contains(code), "{text}"),
            }
        }
    }
}
