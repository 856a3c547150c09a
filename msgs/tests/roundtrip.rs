//! Random values of every type survive JSON -> message -> CDR -> message -> JSON, in both byte orders, and the bytes
//! are those of a second implementation.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail that way

mod common;

use peregrine_msgs::registry;
use peregrine_msgs_codegen::model::TypeName;

const ROUNDS: u64 = 25;

#[test]
fn random_values_survive() {
    let library = common::definitions();
    assert_eq!(library.len(), registry::all().len());
    for structure in library.values() {
        let name: &TypeName = &structure.name;
        let support = registry::find(&name.full()).unwrap();
        for seed in 0..ROUNDS {
            let value = common::Random(seed).value(&library, structure);
            let context = format!("{} with seed {seed}", name.full());
            let bytes = (support.from_json)(&value).unwrap();
            let little = common::slow_cdr(&library, name, &value, false);
            assert_eq!(common::hex(&bytes), common::hex(&little), "{context}");
            assert_eq!((support.to_json)(&bytes).unwrap(), value, "{context}");
            let big = common::slow_cdr(&library, name, &value, true);
            assert_eq!((support.to_json)(&big).unwrap(), value, "{context}, big endian");
            for padding in 1..=7 {
                let padded = [bytes.as_slice(), &vec![0; padding]].concat();
                assert_eq!((support.to_json)(&padded).unwrap(), value, "{context}, padded");
            }
            let extra = [bytes.as_slice(), &vec![0; bytes.len() + 4]].concat();
            let error = (support.to_json)(&extra).unwrap_err().to_string();
            assert!(error.starts_with("PG-0307") && error.contains(&name.full()), "{context}: {error}");
        }
    }
}
