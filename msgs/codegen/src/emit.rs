//! [`Library`] -> Rust text.
//!
//! Paths to `std` are written in full: `std_msgs` has a type named `String`.

use std::collections::BTreeMap;

use crate::error::CodegenError;
use crate::hash::{description, rihs01, service_rihs01};
use crate::library::{full_text, has_bounds, least_size, services};
use crate::literal::literal;
use crate::model::{Base, Field, Library, Shape, Structure, TypeName};

const STRING: &str = "::std::string::String";
const VEC: &str = "::std::vec::Vec";
/// serde's derive stops at arrays of this length.
const SERDE_ARRAY: usize = 32;

/// The whole generated file: one module per package, then the table of types. The library must have passed
/// [`check`](crate::library::check), as everything that [`read`](crate::library::read) returns has.
///
/// # Errors
/// `PG-0351` for a constant or default that does not fit its type.
pub fn emit(library: &Library) -> Result<String, CodegenError> {
    let mut packages: BTreeMap<&str, Vec<&Structure>> = BTreeMap::new();
    for structure in library.values() {
        packages.entry(&structure.name.package).or_default().push(structure);
    }
    let mut out = String::from("// Generated from the .msg text in defs/. Do not edit.\n\n");
    for (package, structures) in packages {
        out += &format!(
            "/// The ROS 2 package `{package}`.\n#[allow(clippy::approx_constant, clippy::derivable_impls)]\n"
        );
        out += &format!("pub mod {package} {{\n");
        for structure in structures {
            out += &emit_structure(library, structure)?;
        }
        for service in services(library).iter().filter(|s| s.package == package) {
            out += &emit_service(library, service)?;
        }
        out += "}\n\n";
    }
    out += "/// Every generated type, in name order.\n";
    out += "pub(crate) static TYPES: &[crate::registry::TypeSupport] = &[\n";
    let mut names: Vec<_> = library.keys().map(|n| (n.full(), n)).collect();
    names.sort();
    for (_, name) in &names {
        out += &format!("    crate::registry::TypeSupport::of::<{}::{}>(),\n", name.package, rust_name(name));
    }
    out += "];\n";
    out += "/// Hands the Rust type of that name to `visitor`.\n";
    out += "pub(crate) fn visit<V: crate::registry::Visitor>(type_name: &str, visitor: V) -> Option<V::Output> {\n";
    out += "    Some(match type_name {\n";
    for (full, name) in &names {
        out += &format!("        {full:?} => visitor.visit::<{}::{}>(),\n", name.package, rust_name(name));
    }
    out += "        _ => return None,\n    })\n}\n";
    out += "/// Every generated service, in name order.\n";
    out += "pub(crate) static SERVICES: &[crate::registry::ServiceSupport] = &[\n";
    let mut names: Vec<_> = services(library).into_iter().map(|n| (n.full(), n)).collect();
    names.sort();
    for (_, name) in names {
        let (package, rust) = (&name.package, rust_name(&name));
        out += &format!("    crate::registry::ServiceSupport::of::<{package}::{rust}>(),\n");
    }
    out += "];\n";
    Ok(out)
}

/// A service's own type, which only carries its names.
fn emit_service(library: &Library, service: &TypeName) -> Result<String, CodegenError> {
    let rust = rust_name(service);
    let full = service.full();
    let mut out =
        format!("/// `{full}`\n#[derive(Debug, Clone, Copy, PartialEq, Eq)]\npub struct {rust};\n\n");
    out += &format!("impl crate::Service for {rust} {{\n");
    out += &format!("    type Request = {rust}Request;\n    type Response = {rust}Response;\n");
    out += &format!("    const TYPE_NAME: &'static str = {full:?};\n");
    out += &format!("    const DDS_NAME: &'static str = {:?};\n", service.dds());
    out += &format!("    const TYPE_HASH: &'static str = {:?};\n}}\n\n", service_rihs01(library, service)?);
    Ok(out)
}

/// `Image`; a service's `SetBool_Request` becomes `SetBoolRequest`.
fn rust_name(name: &TypeName) -> String {
    name.name.replace('_', "")
}

fn emit_structure(library: &Library, s: &Structure) -> Result<String, CodegenError> {
    let rust = rust_name(&s.name);
    let full = s.name.full();
    let explicit_default =
        s.fields.iter().any(|f| f.default.is_some() || matches!(f.shape, Shape::Array(n) if n > SERDE_ARRAY));
    let mut out = format!("/// `{full}`\n///\n/// ```text\n");
    for line in s.text.lines() {
        out += &format!("/// {line}\n");
    }
    out += "/// ```\n#[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize";
    out += if explicit_default { ")]\n" } else { ", Default)]\n" };
    out += "#[serde(default, deny_unknown_fields)]\n";
    out += &format!("pub struct {rust} {{\n");
    for f in &s.fields {
        out += &format!("    /// `{}`\n", ros_type(f));
        if let Some(with) = serde_with(f) {
            out += &format!("    #[serde(with = \"crate::json::{with}\")]\n");
        }
        out += &format!("    pub {}: {},\n", ident(&f.name), field_type(s, f));
    }
    out += "}\n\n";
    out += &constants(s)?;
    if explicit_default {
        out += &default_impl(s, &rust)?;
    }
    out += &format!("impl crate::Message for {rust} {{\n");
    out += &format!("    const TYPE_NAME: &'static str = {full:?};\n");
    out += &format!("    const DDS_NAME: &'static str = {:?};\n", s.name.dds());
    out += &format!("    const TYPE_HASH: &'static str = {:?};\n", rihs01(library, s));
    out += &format!("    const DEFINITION: &'static str = {:?};\n", full_text(library, s));
    out += &format!("    const DESCRIPTION: &'static str = {:?};\n", description(library, s));
    out += &format!("    const LEAST_SIZE: usize = {};\n", least_size(library, s));
    out += &encode(s);
    out += &decode(s);
    if has_bounds(library, s) {
        out += &check(library, s);
    }
    out += "}\n\n";
    Ok(out)
}

fn ros_type(f: &Field) -> String {
    let base = match &f.base {
        Base::Primitive(p) => format!("{p:?}").to_lowercase(),
        Base::String(None) => "string".into(),
        Base::String(Some(n)) => format!("string<={n}"),
        Base::Nested(name) => name.short(),
    };
    match f.shape {
        Shape::Single => base,
        Shape::Array(n) => format!("{base}[{n}]"),
        Shape::Sequence => format!("{base}[]"),
        Shape::Bounded(n) => format!("{base}[<={n}]"),
    }
}

fn base_type(s: &Structure, base: &Base) -> String {
    match base {
        Base::Primitive(p) => p.rust().into(),
        Base::String(_) => STRING.into(),
        Base::Nested(name) if name.package == s.name.package => rust_name(name),
        Base::Nested(name) => format!("super::{}::{}", name.package, rust_name(name)),
    }
}

fn field_type(s: &Structure, f: &Field) -> String {
    let base = base_type(s, &f.base);
    match f.shape {
        Shape::Single => base,
        Shape::Array(n) => format!("[{base}; {n}]"),
        Shape::Sequence | Shape::Bounded(_) => format!("{VEC}<{base}>"),
    }
}

/// Floats keep NaN and the infinities in JSON; arrays longer than serde's derive allows need help as well.
fn serde_with(f: &Field) -> Option<&'static str> {
    match (&f.base, f.shape) {
        (Base::Primitive(p), _) if p.is_float() => Some("float"),
        (_, Shape::Array(n)) if n > SERDE_ARRAY => Some("array"),
        _ => None,
    }
}

fn ident(name: &str) -> String {
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
        "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
        "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static",
        "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where",
        "while", "yield",
    ];
    if KEYWORDS.contains(&name) { format!("r#{name}") } else { name.into() }
}

fn bad_value(s: &Structure, name: &str, problem: String) -> CodegenError {
    let line = s.text.lines().position(|l| l.contains(name)).map_or(1, |i| i + 1);
    CodegenError::Syntax { file: s.name.short(), line, text: name.into(), problem }
}

fn constants(s: &Structure) -> Result<String, CodegenError> {
    if s.constants.is_empty() {
        return Ok(String::new());
    }
    let mut out = format!("impl {} {{\n", rust_name(&s.name));
    for c in &s.constants {
        let value = literal(&c.base, &c.value).map_err(|problem| bad_value(s, &c.name, problem))?;
        let kind =
            if matches!(c.base, Base::String(_)) { "&'static str".into() } else { base_type(s, &c.base) };
        out += &format!("    /// `{} = {}`\n    pub const {}: {kind} = {value};\n", c.name, c.value, c.name);
    }
    Ok(out + "}\n\n")
}

fn default_impl(s: &Structure, rust: &str) -> Result<String, CodegenError> {
    let mut out = format!("impl ::std::default::Default for {rust} {{\n    fn default() -> Self {{\n");
    out += "        Self {\n";
    for f in &s.fields {
        let value = default_value(f).map_err(|problem| bad_value(s, &f.name, problem))?;
        out += &format!("            {}: {value},\n", ident(&f.name));
    }
    Ok(out + "        }\n    }\n}\n\n")
}

fn default_value(f: &Field) -> Result<String, String> {
    let owned = |text: &str| {
        let value = literal(&f.base, text)?;
        Ok::<_, String>(if matches!(f.base, Base::String(_)) {
            format!("{STRING}::from({value})")
        } else {
            value
        })
    };
    match (&f.default, f.shape) {
        (Some(text), Shape::Single) => owned(text),
        (Some(text), shape) => {
            let inside = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
            let inside = inside.ok_or("has a default for an array that is not written [a, b, c]")?;
            let items: Vec<_> = inside.split(',').map(str::trim).filter(|t| !t.is_empty()).collect();
            let fits = match shape {
                Shape::Array(n) => items.len() == n,
                Shape::Bounded(n) => items.len() <= n,
                _ => true,
            };
            if !fits {
                return Err(format!(
                    "has a default of {} elements, which its type does not hold",
                    items.len()
                ));
            }
            let values = items.into_iter().map(owned).collect::<Result<Vec<_>, _>>()?.join(", ");
            Ok(if matches!(shape, Shape::Array(_)) {
                format!("[{values}]")
            } else {
                format!("::std::vec![{values}]")
            })
        }
        (None, Shape::Array(n)) if n > SERDE_ARRAY => {
            Ok("::std::array::from_fn(|_| ::std::default::Default::default())".into())
        }
        (None, _) => Ok("::std::default::Default::default()".into()),
    }
}

fn encode(s: &Structure) -> String {
    if s.fields.is_empty() {
        // An empty structure has one hidden byte, because C has no empty structures.
        return "    fn encode(&self, w: &mut crate::cdr::Writer<'_>) {\n        w.put(0_u8);\n    }\n"
            .into();
    }
    let mut out = String::from("    fn encode(&self, w: &mut crate::cdr::Writer<'_>) {\n");
    for f in &s.fields {
        let name = ident(&f.name);
        let call = match (&f.base, f.shape) {
            (Base::Primitive(_), Shape::Single) => format!("w.put(self.{name})"),
            (Base::Primitive(_), Shape::Array(_)) => format!("w.put_slice(&self.{name})"),
            (Base::Primitive(_), _) => format!("w.put_seq(&self.{name})"),
            (Base::String(_), Shape::Single) => format!("w.put_string(&self.{name})"),
            (Base::String(_), Shape::Array(_)) => format!("w.put_string_slice(&self.{name})"),
            (Base::String(_), _) => format!("w.put_string_seq(&self.{name})"),
            (Base::Nested(_), Shape::Single) => format!("crate::Message::encode(&self.{name}, w)"),
            (Base::Nested(_), Shape::Array(_)) => format!("w.put_message_slice(&self.{name})"),
            (Base::Nested(_), _) => format!("w.put_message_seq(&self.{name})"),
        };
        out += &format!("        {call};\n");
    }
    out + "    }\n"
}

fn decode(s: &Structure) -> String {
    let mut out = String::from(
        "    fn decode(r: &mut crate::cdr::Reader<'_>) -> ::std::result::Result<Self, crate::CdrError> {\n",
    );
    if s.fields.is_empty() {
        return out + "        r.get::<u8>()?;\n        Ok(Self {})\n    }\n";
    }
    out += "        Ok(Self {\n";
    for f in &s.fields {
        let most = |n: Option<usize>| n.map_or("usize::MAX".into(), |n| n.to_string());
        let seq = most(if let Shape::Bounded(n) = f.shape { Some(n) } else { None });
        let call = match (&f.base, f.shape) {
            (Base::Primitive(_), Shape::Single) => "r.get()".into(),
            (Base::Primitive(_), Shape::Array(_)) => "r.get_array()".into(),
            (Base::Primitive(_), _) => format!("r.get_seq({seq})"),
            (Base::String(n), Shape::Single) => format!("r.get_string({})", most(*n)),
            (Base::String(n), Shape::Array(_)) => format!("r.get_string_array({})", most(*n)),
            (Base::String(n), _) => format!("r.get_string_seq({seq}, {})", most(*n)),
            (Base::Nested(_), Shape::Single) => "crate::Message::decode(r)".into(),
            (Base::Nested(_), Shape::Array(_)) => "r.get_message_array()".into(),
            (Base::Nested(_), _) => format!("r.get_message_seq({seq})"),
        };
        out += &format!("            {}: {call}.map_err(|e| e.within({:?}))?,\n", ident(&f.name), f.name);
    }
    out + "        })\n    }\n"
}

fn check(library: &Library, s: &Structure) -> String {
    let mut out = String::from("    fn check(&self) -> ::std::result::Result<(), crate::CdrError> {\n");
    for f in &s.fields {
        let (name, label) = (ident(&f.name), &f.name);
        if let Shape::Bounded(n) = f.shape {
            out += &format!("        crate::cdr::check_bound({label:?}, self.{name}.len(), {n})?;\n");
        }
        let element = match &f.base {
            Base::String(Some(n)) => format!("crate::cdr::check_bound({label:?}, v.len(), {n})?;"),
            Base::Nested(nested) if library.get(nested).is_some_and(|n| has_bounds(library, n)) => {
                format!("crate::Message::check(v).map_err(|e| e.within({label:?}))?;")
            }
            _ => continue,
        };
        out += &match f.shape {
            Shape::Single => format!("        let v = &self.{name};\n        {element}\n"),
            _ => format!("        for v in &self.{name} {{\n            {element}\n        }}\n"),
        };
    }
    out + "        Ok(())\n    }\n"
}
