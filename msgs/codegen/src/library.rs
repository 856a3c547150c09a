//! Reads a folder of definitions and answers questions that need more than one of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::CodegenError;
use crate::model::{Base, Library, Shape, Structure, TypeName};
use crate::parse::{parse, parse_service};

/// Reads `<dir>/<package>/msg/*.msg` and `<dir>/<package>/srv/*.srv`, and checks that every name resolves.
///
/// # Errors
/// Any [`CodegenError`].
pub fn read(dir: &Path) -> Result<Library, CodegenError> {
    let mut library = Library::new();
    for package_dir in entries(dir)? {
        let package = stem(&package_dir);
        for (kind, extension) in [("msg", "msg"), ("srv", "srv")] {
            let folder = package_dir.join(kind);
            if !folder.is_dir() {
                continue;
            }
            for path in entries(&folder)? {
                if path.extension().is_none_or(|e| e != extension) {
                    continue;
                }
                let text = fs::read_to_string(&path)
                    .map_err(|cause| CodegenError::Read { path: path.display().to_string(), cause })?;
                let name = stem(&path);
                let parsed = if kind == "msg" {
                    vec![parse(TypeName::message(&package, &name), &text)?]
                } else {
                    parse_service(&package, &name, &text)?.into()
                };
                library.extend(parsed.into_iter().map(|s| (s.name.clone(), s)));
            }
        }
    }
    check(&library)?;
    Ok(library)
}

/// Checks that every nested type exists and that none contains itself.
///
/// # Errors
/// `PG-0352` and `PG-0353`.
pub fn check(library: &Library) -> Result<(), CodegenError> {
    for structure in library.values() {
        if let Some(missing) = direct(structure).into_iter().find(|n| !library.contains_key(n)) {
            return Err(CodegenError::UnknownType { user: structure.name.full(), missing: missing.full() });
        }
    }
    for structure in library.values() {
        if dependencies(library, structure).contains(&structure.name) {
            return Err(CodegenError::Recursive { name: structure.name.full() });
        }
    }
    Ok(())
}

fn direct(structure: &Structure) -> Vec<TypeName> {
    let mut seen = Vec::new();
    for field in &structure.fields {
        if let Base::Nested(name) = &field.base
            && !seen.contains(name)
        {
            seen.push(name.clone());
        }
    }
    seen
}

/// The services whose two sides are in the library, by the name of the service.
#[must_use]
pub fn services(library: &Library) -> Vec<TypeName> {
    let side = |name: &TypeName| {
        let service = name.name.strip_suffix("_Request").filter(|_| name.kind == "srv")?;
        Some(TypeName { name: service.to_owned(), ..name.clone() })
    };
    library.keys().filter_map(side).collect()
}

/// Every type that `structure` needs, itself left out, in name order.
#[must_use]
pub fn dependencies(library: &Library, structure: &Structure) -> BTreeSet<TypeName> {
    let mut found = BTreeSet::new();
    let mut open = direct(structure);
    while let Some(name) = open.pop() {
        if let Some(nested) = library.get(&name)
            && found.insert(name)
        {
            open.extend(direct(nested));
        }
    }
    found
}

/// The definition with those of all its dependencies, as MCAP's `ros2msg` schema wants them: breadth first,
/// each after a line of 80 `=` and a line `MSG: package/Name`.
#[must_use]
pub fn full_text(library: &Library, structure: &Structure) -> String {
    let mut text = structure.text.clone();
    let mut order = direct(structure);
    let mut at = 0;
    while at < order.len() {
        if let Some(nested) = library.get(&order[at]) {
            text += &format!("{}\nMSG: {}\n{}", "=".repeat(80), nested.name.short(), nested.text);
            for name in direct(nested) {
                if !order.contains(&name) {
                    order.push(name);
                }
            }
        }
        at += 1;
    }
    text
}

/// The fewest bytes one value can take on the wire, padding left out. Never zero: an empty structure takes one.
#[must_use]
pub fn least_size(library: &Library, structure: &Structure) -> usize {
    let field = |base: &Base| match base {
        Base::Primitive(p) => p.size(),
        Base::String(_) => 4,
        Base::Nested(name) => library.get(name).map_or(1, |s| least_size(library, s)),
    };
    let sum = structure.fields.iter().map(|f| match f.shape {
        Shape::Single => field(&f.base),
        Shape::Array(n) => n * field(&f.base),
        Shape::Sequence | Shape::Bounded(_) => 4,
    });
    sum.sum::<usize>().max(1)
}

/// Whether a bound (string or sequence) stands anywhere inside, so that a value can break it.
#[must_use]
pub fn has_bounds(library: &Library, structure: &Structure) -> bool {
    structure.fields.iter().any(|f| {
        matches!(f.shape, Shape::Bounded(_))
            || match &f.base {
                Base::String(bound) => bound.is_some(),
                Base::Nested(name) => library.get(name).is_some_and(|s| has_bounds(library, s)),
                Base::Primitive(_) => false,
            }
    })
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, CodegenError> {
    let read = |cause| CodegenError::Read { path: dir.display().to_string(), cause };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(read)? {
        paths.push(entry.map_err(read)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}
