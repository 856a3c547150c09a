//! Where a bus's control block lies: in this process, or in memory that processes share.

use std::ops::Deref;

use crate::protocol::Control;
use crate::region::Region;
use crate::{Error, Result};

pub(crate) enum ControlRef {
    Own(Box<Control>),
    Mapped(Region),
}

/// Bytes of a control block.
pub(crate) const CONTROL_BYTES: usize = size_of::<Control>();

impl ControlRef {
    /// A control block in a mapping, zeroed or in use.
    pub(crate) fn mapped(region: Region) -> Result<ControlRef> {
        if region.len() < CONTROL_BYTES {
            return Err(Error::OutOfMemory { bytes: CONTROL_BYTES });
        }
        Ok(ControlRef::Mapped(region))
    }

    /// Other processes can see it.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, ControlRef::Mapped(_))
    }
}

impl Deref for ControlRef {
    type Target = Control;

    fn deref(&self) -> &Control {
        match self {
            ControlRef::Own(control) => control,
            // SAFETY: the region is page-aligned and large enough (`mapped`), lives as long as `self`, and can never
            // shrink. Control is made of atomics only, so every bit pattern is one, and others may write it meanwhile.
            ControlRef::Mapped(region) => unsafe { region.base().cast::<Control>().as_ref() },
        }
    }
}
