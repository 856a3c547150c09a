//! The Zenoh transport, on the keys that rmw_zenoh uses
