//! COLLADA 1.4 and 1.5: triangles, polygons and their diffuse colours and textures, placed by the visual scene.
//!
//! As Gazebo's loader has it, lengths are in the file's unit and `up_axis` is not looked at: the worlds out there are
//! built upon that. Animation, skinning weights, lights and cameras are passed over; a skinned mesh stands in its bind
//! pose. Source: Khronos, "COLLADA Digital Asset Schema Release 1.4.1".

use std::collections::BTreeMap;

use nalgebra::{Matrix3, Matrix4, Rotation3, Unit, Vector3};

use super::super::Limits;
use super::super::xml::{self, Element};
use super::{Fault, MAX_TRIANGLES, MeshData, MeshPart, unit};

/// Nodes that may be visited: files that instance each other's nodes grow without bound else.
const MAX_NODES: usize = 100_000;
const MAX_DEPTH: usize = 64;

/// Elements by id.
type Ids<'a> = BTreeMap<&'a str, &'a Element>;

pub(super) fn read(bytes: &[u8]) -> Result<MeshData, Fault> {
    let text = String::from_utf8_lossy(bytes);
    let limits = Limits { elements: 4_000_000, depth: 256, ..Limits::default() };
    let root = xml::parse(&text, "mesh", &limits).map_err(|e| e.to_string())?;
    if root.name() != "COLLADA" {
        return Err(format!("its outermost element is <{}>, not <COLLADA>", root.name()));
    }
    let mut ids = Ids::new();
    collect(&root, &mut ids);
    let meter =
        path(&root, &["asset", "unit"]).and_then(|u| u.attr("meter")).and_then(|m| m.trim().parse().ok());
    let meter = meter.filter(|m: &f64| m.is_finite() && *m > 0.0).unwrap_or(1.0);
    let mut scene = Scene { ids, out: MeshData::default(), nodes: 0, triangles: 0, scale: meter };
    let chosen = path(&root, &["scene", "instance_visual_scene"]).and_then(|s| scene.target(s, "url"));
    let visual = chosen.or_else(|| path(&root, &["library_visual_scenes", "visual_scene"]));
    match visual {
        Some(visual) => {
            for node in visual.children("node") {
                scene.node(node, &Matrix4::identity(), 0)?;
            }
        }
        None => {
            let library = root.child("library_geometries");
            for geometry in library.into_iter().flat_map(|l| l.children("geometry")) {
                scene.geometry(geometry, &Matrix4::identity(), "", &BTreeMap::new())?;
            }
        }
    }
    Ok(scene.out)
}

fn collect<'a>(e: &'a Element, ids: &mut Ids<'a>) {
    if let Some(id) = e.attr("id") {
        ids.entry(id).or_insert(e);
    }
    e.all().iter().for_each(|c| collect(c, ids));
}

fn path<'a>(e: &'a Element, names: &[&str]) -> Option<&'a Element> {
    names.iter().try_fold(e, |e, name| e.child(name))
}

struct Scene<'a> {
    ids: Ids<'a>,
    out: MeshData,
    nodes: usize,
    triangles: usize,
    scale: f64,
}

impl<'a> Scene<'a> {
    /// What an attribute such as `url="#id"` points at.
    fn target(&self, e: &Element, attribute: &str) -> Option<&'a Element> {
        let url = e.attr(attribute)?.trim();
        self.ids.get(url.strip_prefix('#').unwrap_or(url)).copied()
    }

    fn node(&mut self, node: &'a Element, above: &Matrix4<f64>, depth: usize) -> Result<(), Fault> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(format!("its nodes are nested deeper than {MAX_DEPTH} or are more than {MAX_NODES}"));
        }
        let here = above * transform(node)?;
        let name = node.attr("name").or(node.attr("id")).unwrap_or_default();
        for child in node.all() {
            match child.name() {
                "node" => self.node(child, &here, depth + 1)?,
                "instance_node" => {
                    if let Some(other) = self.target(child, "url") {
                        self.node(other, &here, depth + 1)?;
                    }
                }
                "instance_geometry" => {
                    if let Some(geometry) = self.target(child, "url") {
                        self.geometry(geometry, &here, name, &self.bindings(child))?;
                    }
                }
                "instance_controller" => {
                    let skin = self.target(child, "url").and_then(|c| c.child("skin"));
                    if let Some(geometry) = skin.and_then(|s| self.target(s, "source")) {
                        self.geometry(geometry, &here, name, &self.bindings(child))?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Symbols of materials and what they stand for here.
    fn bindings(&self, instance: &'a Element) -> BTreeMap<&'a str, &'a Element> {
        let common = path(instance, &["bind_material", "technique_common"]);
        let bound = common.into_iter().flat_map(|t| t.children("instance_material"));
        bound.filter_map(|m| Some((m.attr("symbol")?, self.target(m, "target")?))).collect()
    }

    fn geometry(
        &mut self,
        geometry: &'a Element,
        place: &Matrix4<f64>,
        name: &str,
        bindings: &BTreeMap<&str, &'a Element>,
    ) -> Result<(), Fault> {
        let Some(mesh) = geometry.child("mesh") else { return Ok(()) };
        for primitives in mesh.all() {
            if !matches!(primitives.name(), "triangles" | "polylist" | "polygons") {
                continue;
            }
            let mut part = self.primitives(mesh, primitives)?;
            part.name = name.to_string();
            let symbol = primitives.attr("material").unwrap_or_default();
            part.material = symbol.to_string();
            let material = bindings.get(symbol).copied().or_else(|| self.ids.get(symbol).copied());
            if let Some(material) = material {
                (part.colour, part.texture) = self.look(material);
            }
            put(&mut part, place, self.scale)?;
            self.out.parts.push(part);
        }
        Ok(())
    }

    fn primitives(&mut self, mesh: &'a Element, primitives: &'a Element) -> Result<MeshPart, Fault> {
        let inputs = Inputs::new(self, mesh, primitives)?;
        let mut part = MeshPart::default();
        let mut corners = BTreeMap::new();
        let mut polygon = Vec::new();
        let mut face = |indices: &[usize], triangles: &mut usize| -> Result<(), Fault> {
            polygon.clear();
            for corner in indices.chunks_exact(inputs.stride) {
                let key = inputs.key(corner)?;
                let next = part.positions.len() as u32;
                polygon.push(*corners.entry(key).or_insert_with(|| {
                    inputs.corner(key, &mut part);
                    next
                }));
            }
            let [first, rest @ ..] = polygon.as_slice() else { return Ok(()) };
            *triangles += rest.len().saturating_sub(1);
            if *triangles > MAX_TRIANGLES {
                return Err(format!("it has more than {MAX_TRIANGLES} triangles"));
            }
            part.triangles.extend(rest.windows(2).map(|pair| [*first, pair[0], pair[1]]));
            Ok(())
        };
        let counts: Vec<usize> = primitives.child("vcount").map_or(Ok(Vec::new()), |v| whole(v.text()))?;
        for p in primitives.children("p") {
            let indices = whole(p.text())?;
            match primitives.name() {
                "polygons" => face(&indices, &mut self.triangles)?,
                "polylist" => {
                    let mut rest = indices.as_slice();
                    for count in &counts {
                        let Some((polygon, after)) =
                            rest.split_at_checked(count.saturating_mul(inputs.stride))
                        else {
                            return Err("a <polylist> has fewer indices than its <vcount> says".into());
                        };
                        face(polygon, &mut self.triangles)?;
                        rest = after;
                    }
                }
                _ => {
                    for triangle in indices.chunks_exact(3 * inputs.stride) {
                        face(triangle, &mut self.triangles)?;
                    }
                }
            }
        }
        if inputs.normals.is_none() {
            part.normals.clear();
        }
        if inputs.uvs.is_none() {
            part.uvs.clear();
        }
        Ok(part)
    }

    /// Diffuse colour and texture of a material.
    fn look(&self, material: &'a Element) -> (Option<[f32; 4]>, Option<String>) {
        let effect = material.child("instance_effect").and_then(|i| self.target(i, "url"));
        let Some(profile) = effect.and_then(|e| e.child("profile_COMMON")) else { return (None, None) };
        let technique = profile.child("technique");
        let shading = ["phong", "lambert", "blinn", "constant"];
        let shading = technique.and_then(|t| shading.iter().find_map(|s| t.child(s)));
        let Some(shading) = shading else { return (None, None) };
        let diffuse = shading.child("diffuse").or_else(|| shading.child("emission"));
        let colour = diffuse.and_then(|d| d.child("color")).and_then(|c| floats(c.text()).ok());
        let colour = colour.and_then(|c| match c[..] {
            [r, g, b, a, ..] => Some([r, g, b, a]),
            [r, g, b] => Some([r, g, b, 1.0]),
            _ => None,
        });
        let texture = diffuse.and_then(|d| d.child("texture")).and_then(|t| t.attr("texture"));
        (
            colour.map(|c| c.map(|x| x.clamp(0.0, 1.0))),
            texture.and_then(|sampler| self.image(profile, sampler)),
        )
    }

    /// The file behind a sampler, by way of its surface.
    fn image(&self, profile: &'a Element, sampler: &str) -> Option<String> {
        let param = |sid: &str| profile.children("newparam").find(|p| p.attr("sid") == Some(sid));
        let mut id = sampler;
        if let Some(sampler) = param(id).and_then(|p| p.child("sampler2D")) {
            match sampler.child("instance_image").and_then(|i| i.attr("url")) {
                Some(url) => id = url.trim_start_matches('#'),
                None => id = sampler.child("source")?.text(),
            }
        }
        if let Some(init) = param(id).and_then(|p| path(p, &["surface", "init_from"])) {
            id = init.text();
        }
        let init = self.ids.get(id)?.child("init_from")?;
        let file = init.child("ref").map_or(init.text(), Element::text);
        Some(file.replace('\\', "/").replace("%20", " ")).filter(|f| !f.is_empty())
    }
}

/// The lists that the indices of `<p>` point into.
struct Inputs {
    stride: usize,
    positions: (usize, Source),
    normals: Option<(usize, Source)>,
    uvs: Option<(usize, Source)>,
}

struct Source {
    numbers: Vec<f32>,
    stride: usize,
}

impl Source {
    fn len(&self) -> usize {
        self.numbers.len() / self.stride
    }

    fn at<const N: usize>(&self, i: usize) -> [f32; N] {
        let from = i * self.stride;
        std::array::from_fn(|k| if k < self.stride { self.numbers[from + k] } else { 0.0 })
    }
}

type Key = (usize, Option<usize>, Option<usize>);

impl Inputs {
    fn new(scene: &Scene<'_>, mesh: &Element, primitives: &Element) -> Result<Self, Fault> {
        let (mut stride, mut positions, mut normals, mut uvs) = (0, None, None, None);
        let source = |input: &Element| {
            let found = scene.target(input, "source").ok_or("an <input> names no <source>")?;
            read_source(found)
        };
        for input in primitives.children("input") {
            let offset = input.attr("offset").and_then(|o| o.trim().parse::<usize>().ok()).unwrap_or(0);
            if offset > 64 {
                return Err("an <input> has an offset beyond 64".into());
            }
            stride = stride.max(offset + 1);
            match input.attr("semantic").unwrap_or_default() {
                "VERTEX" => {
                    let vertices = mesh.child("vertices").ok_or("a <mesh> has no <vertices>")?;
                    for v in vertices.children("input") {
                        match v.attr("semantic") {
                            Some("POSITION") => positions = Some((offset, source(v)?)),
                            Some("NORMAL") if normals.is_none() => normals = Some((offset, source(v)?)),
                            Some("TEXCOORD") if uvs.is_none() => uvs = Some((offset, source(v)?)),
                            _ => {}
                        }
                    }
                }
                "NORMAL" => normals = Some((offset, source(input)?)),
                "TEXCOORD" if uvs.is_none() => uvs = Some((offset, source(input)?)),
                _ => {}
            }
        }
        let positions = positions.ok_or("a <mesh> has no positions")?;
        Ok(Self { stride: stride.max(1), positions, normals, uvs })
    }

    fn key(&self, corner: &[usize]) -> Result<Key, Fault> {
        let one = |(offset, source): &(usize, Source)| {
            let i = corner[*offset];
            (i < source.len()).then_some(i).ok_or_else(|| format!("an index {i} of {}", source.len()))
        };
        let position = one(&self.positions)?;
        // A missing normal or texture coordinate is no reason to lose the shape.
        Ok((
            position,
            self.normals.as_ref().and_then(|n| one(n).ok()),
            self.uvs.as_ref().and_then(|t| one(t).ok()),
        ))
    }

    fn corner(&self, key: Key, part: &mut MeshPart) {
        part.positions.push(self.positions.1.at(key.0));
        let normal = self.normals.as_ref().zip(key.1).map(|((_, source), i)| source.at(i));
        part.normals.push(normal.unwrap_or([0.0, 0.0, 1.0]));
        let uv = self.uvs.as_ref().zip(key.2).map(|((_, source), i)| source.at(i));
        part.uvs.push(uv.unwrap_or_default());
    }
}

fn read_source(e: &Element) -> Result<Source, Fault> {
    let array = e.child("float_array").ok_or("a <source> has no <float_array>")?;
    let stride = path(e, &["technique_common", "accessor"]).and_then(|a| a.attr("stride"));
    let stride = stride.and_then(|s| s.trim().parse::<usize>().ok()).unwrap_or(3).clamp(1, 64);
    Ok(Source { numbers: floats(array.text())?, stride })
}

fn floats(text: &str) -> Result<Vec<f32>, Fault> {
    let number = |w: &str| w.parse::<f32>().ok().filter(|x| x.is_finite());
    text.split_whitespace().map(|w| number(w).ok_or_else(|| format!("\"{w}\" is no finite number"))).collect()
}

fn whole(text: &str) -> Result<Vec<usize>, Fault> {
    text.split_whitespace().map(|w| w.parse().map_err(|_| format!("\"{w}\" is no index"))).collect()
}

/// The node's transformations, in their order.
fn transform(node: &Element) -> Result<Matrix4<f64>, Fault> {
    let mut out = Matrix4::identity();
    for e in node.all() {
        if !matches!(e.name(), "matrix" | "translate" | "rotate" | "scale") {
            continue;
        }
        let n: Vec<f64> = floats(e.text())?.into_iter().map(f64::from).collect();
        out *= match (e.name(), &n[..]) {
            ("matrix", m) if m.len() == 16 => Matrix4::from_row_slice(m),
            ("translate", [x, y, z]) => Matrix4::new_translation(&Vector3::new(*x, *y, *z)),
            ("scale", [x, y, z]) => Matrix4::new_nonuniform_scaling(&Vector3::new(*x, *y, *z)),
            ("rotate", [x, y, z, degrees]) => match Unit::try_new(Vector3::new(*x, *y, *z), 1e-9) {
                Some(axis) => Rotation3::from_axis_angle(&axis, degrees.to_radians()).to_homogeneous(),
                None => Matrix4::identity(),
            },
            (name, n) => return Err(format!("<{name}> holds {} numbers", n.len())),
        };
    }
    Ok(out)
}

/// Moves the part to its place and into metres.
fn put(part: &mut MeshPart, place: &Matrix4<f64>, scale: f64) -> Result<(), Fault> {
    let linear: Matrix3<f64> = place.fixed_view::<3, 3>(0, 0).into();
    let shift: Vector3<f64> = place.fixed_view::<3, 1>(0, 3).into();
    for p in &mut part.positions {
        let v = (linear * Vector3::new(p[0], p[1], p[2]).cast::<f64>() + shift) * scale;
        if !v.iter().all(|x| x.is_finite() && x.abs() < 1e6) {
            return Err("a corner lies beyond 1000 km".into());
        }
        *p = [v.x as f32, v.y as f32, v.z as f32];
    }
    let turn = linear.try_inverse().map_or_else(Matrix3::identity, |m| m.transpose());
    for n in &mut part.normals {
        let v = turn * Vector3::new(n[0], n[1], n[2]).cast::<f64>();
        *n = unit([v.x as f32, v.y as f32, v.z as f32]);
        if !n.iter().all(|x| x.is_finite()) {
            *n = [0.0, 0.0, 1.0];
        }
    }
    if linear.determinant() < 0.0 {
        part.triangles.iter_mut().for_each(|t| t.swap(1, 2));
    }
    Ok(())
}
