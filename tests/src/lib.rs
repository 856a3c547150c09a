//! Tests that cross crates: golden, scenarios, command line
