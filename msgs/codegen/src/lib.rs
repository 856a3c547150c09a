//! Reads .msg text and writes the Rust types of peregrine-msgs
