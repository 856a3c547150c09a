//! `builtin_interfaces` <-> nanoseconds.
//!
//! `sec` is signed and `nanosec` counts upwards from it, so -0.5 s is `sec: -1, nanosec: 500_000_000`.

use crate::builtin_interfaces::{Duration, Time};

const SECOND: i64 = 1_000_000_000;

/// The stamp nearest to `nanos` that 32-bit seconds can hold.
fn split(nanos: i64) -> (i32, u32) {
    match i32::try_from(nanos.div_euclid(SECOND)) {
        Ok(sec) => (sec, u32::try_from(nanos.rem_euclid(SECOND)).unwrap_or_default()),
        Err(_) if nanos < 0 => (i32::MIN, 0),
        Err(_) => (i32::MAX, 999_999_999),
    }
}

macro_rules! conversions {
    ($t:ident, $what:literal) => {
        impl $t {
            #[doc = concat!("From ", $what, ". Beyond the 68 years that `sec` can hold, the nearest value.")]
            #[must_use]
            pub fn from_nanos(nanos: i64) -> Self {
                let (sec, nanosec) = split(nanos);
                Self { sec, nanosec }
            }

            #[doc = concat!("As ", $what, ".")]
            #[must_use]
            pub fn to_nanos(&self) -> i64 {
                // At most 2^31 * 10^9 + 2^32, which is well inside i64.
                i64::from(self.sec) * SECOND + i64::from(self.nanosec)
            }
        }
    };
}

conversions!(Time, "nanoseconds since the clock's epoch");
conversions!(Duration, "nanoseconds");
