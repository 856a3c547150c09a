//! CDR bytes.

use peregrine_msgs::{builtin_interfaces::Time, image::ImageHeader, registry};

use super::code;

/// The first two bytes choose the type, the others are its CDR. What is read must come back from its JSON.
pub fn cdr(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first_chunk::<2>() else { return };
    let types = registry::all();
    let support = &types[usize::from(u16::from_le_bytes(*choice)) % types.len()];
    let value = match (support.to_json)(bytes) {
        Ok(value) => value,
        Err(error) => return code(&error, "PG-03"),
    };
    let written = match (support.from_json)(&value) {
        Ok(written) => written,
        Err(error) => panic!("{} does not take its own JSON: {error}\n{value}", support.type_name),
    };
    match (support.to_json)(&written) {
        Ok(again) => assert_eq!(again, value, "{}", support.type_name),
        Err(error) => panic!("{} does not read what it wrote: {error}\n{value}", support.type_name),
    }
}

/// An image's fields before its pixels.
pub fn image_header(data: &[u8]) {
    match ImageHeader::decode(data) {
        Ok((header, pixels)) => {
            assert!(pixels <= data.len());
            let mut bytes = Vec::new();
            let length = header.encode(&mut bytes);
            assert_eq!(length, header.encoded_len(), "{header:?}");
            // A stamp that nobody may send, beyond what its seconds hold, becomes the nearest that they do.
            let stamp = Time::from_nanos(header.stamp).to_nanos();
            assert_eq!(ImageHeader::decode(&bytes), Ok((ImageHeader { stamp, ..header }, length)));
        }
        Err(error) => code(&error, "PG-03"),
    }
}
