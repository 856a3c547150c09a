//! RIHS01: the type hash of REP-2011.
//!
//! SHA-256 over the JSON form of `type_description_interfaces/msg/TypeDescription` without default values,
//! written with `", "` and `": "` as separators and the referenced types in name order. One wrong byte here means
//! that peers silently exchange no data, so the tests compare every hash with those that ROS 2 itself ships.

use sha2::{Digest, Sha256};

use crate::library::dependencies;
use crate::error::CodegenError;
use crate::model::{Base, Field, Library, Primitive, Shape, Structure, TypeName};

/// `RIHS01_` and 64 hex digits.
#[must_use]
pub fn rihs01(library: &Library, structure: &Structure) -> String {
    let digest = Sha256::digest(description(library, structure).as_bytes());
    let mut out = String::from("RIHS01_");
    for byte in digest {
        out += &format!("{byte:02x}");
    }
    out
}

/// The canonical JSON text that is hashed.
#[must_use]
pub fn description(library: &Library, structure: &Structure) -> String {
    let referenced: Vec<_> = dependencies(library, structure)
        .iter()
        .filter_map(|name| library.get(name))
        .map(individual)
        .collect();
    format!(
        "{{\"type_description\": {}, \"referenced_type_descriptions\": [{}]}}",
        individual(structure),
        referenced.join(", ")
    )
}

/// The hash of a service: that of a structure which holds its request, its response and its event, the last of which is
/// how ROS 2 describes a call to those who watch it. Neither of these two structures travels with a call.
///
/// # Errors
/// `PG-0352` when `service_msgs/msg/ServiceEventInfo` is not among the definitions.
pub fn service_rihs01(library: &Library, service: &TypeName) -> Result<String, CodegenError> {
    let info = TypeName::message("service_msgs", "ServiceEventInfo");
    if !library.contains_key(&info) {
        return Err(CodegenError::UnknownType { user: service.full(), missing: info.full() });
    }
    let side = |suffix: &str| TypeName { name: format!("{}_{suffix}", service.name), ..service.clone() };
    let field = |name: &str, of: &TypeName, shape| Field {
        name: name.into(),
        base: Base::Nested(of.clone()),
        shape,
        default: None,
    };
    let structure = |name: TypeName, fields| Structure {
        name,
        fields,
        constants: Vec::new(),
        text: String::new(),
    };
    let (request, response, event) = (side("Request"), side("Response"), side("Event"));
    let mut library = library.clone();
    let event_fields = vec![
        field("info", &info, Shape::Single),
        field("request", &request, Shape::Bounded(1)),
        field("response", &response, Shape::Bounded(1)),
    ];
    library.insert(event.clone(), structure(event.clone(), event_fields));
    let whole = structure(
        service.clone(),
        vec![
            field("request_message", &request, Shape::Single),
            field("response_message", &response, Shape::Single),
            field("event_message", &event, Shape::Single),
        ],
    );
    Ok(rihs01(&library, &whole))
}

fn individual(structure: &Structure) -> String {
    let mut fields: Vec<_> = structure.fields.iter().map(field).collect();
    if fields.is_empty() {
        fields.push(entry("structure_needs_at_least_one_member", 3, 0, 0, ""));
    }
    format!("{{\"type_name\": \"{}\", \"fields\": [{}]}}", structure.name.full(), fields.join(", "))
}

fn field(field: &Field) -> String {
    let (id, string_capacity, nested) = match &field.base {
        Base::Primitive(p) => (primitive_id(*p), 0, String::new()),
        Base::String(None) => (17, 0, String::new()),
        Base::String(Some(bound)) => (21, *bound, String::new()),
        Base::Nested(name) => (1, 0, name.full()),
    };
    // FieldType.msg numbers arrays from 48, bounded sequences from 96 and unbounded ones from 144.
    let (offset, capacity) = match field.shape {
        Shape::Single => (0, 0),
        Shape::Array(n) => (48, n),
        Shape::Bounded(n) => (96, n),
        Shape::Sequence => (144, 0),
    };
    entry(&field.name, id + offset, capacity, string_capacity, &nested)
}

fn entry(name: &str, id: usize, capacity: usize, string_capacity: usize, nested: &str) -> String {
    format!(
        "{{\"name\": \"{name}\", \"type\": {{\"type_id\": {id}, \"capacity\": {capacity}, \
         \"string_capacity\": {string_capacity}, \"nested_type_name\": \"{nested}\"}}}}"
    )
}

fn primitive_id(primitive: Primitive) -> usize {
    match primitive {
        Primitive::Int8 => 2,
        Primitive::UInt8 => 3,
        Primitive::Int16 => 4,
        Primitive::UInt16 => 5,
        Primitive::Int32 => 6,
        Primitive::UInt32 => 7,
        Primitive::Int64 => 8,
        Primitive::UInt64 => 9,
        Primitive::Float32 => 10,
        Primitive::Float64 => 11,
        Primitive::Bool => 15,
        Primitive::Byte => 16,
    }
}
