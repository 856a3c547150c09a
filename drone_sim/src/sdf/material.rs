//! `<material>`: colours, and the names of Gazebo's Ogre scripts.

use super::parse::Parser;
use super::types::Material;
use super::value::Source;
use super::xml::Element;
use crate::error::Result;

/// Diffuse colours of the script names that worlds use most (gazebo.material of Gazebo classic).
const SCRIPTS: &[(&str, [f32; 3])] = &[
    ("Gazebo/Black", [0.0, 0.0, 0.0]),
    ("Gazebo/Blue", [0.0, 0.0, 1.0]),
    ("Gazebo/BlueTransparent", [0.0, 0.0, 1.0]),
    ("Gazebo/Bricks", [0.55, 0.27, 0.2]),
    ("Gazebo/DarkGrey", [0.175, 0.175, 0.175]),
    ("Gazebo/FlatBlack", [0.1, 0.1, 0.1]),
    ("Gazebo/Gold", [0.8, 0.64, 0.17]),
    ("Gazebo/Grass", [0.3, 0.45, 0.2]),
    ("Gazebo/Gray", [0.7, 0.7, 0.7]),
    ("Gazebo/Green", [0.0, 1.0, 0.0]),
    ("Gazebo/Grey", [0.7, 0.7, 0.7]),
    ("Gazebo/Indigo", [0.33, 0.0, 0.5]),
    ("Gazebo/LightWood", [0.75, 0.6, 0.4]),
    ("Gazebo/Orange", [1.0, 0.5088, 0.0468]),
    ("Gazebo/Purple", [1.0, 0.0, 1.0]),
    ("Gazebo/Red", [1.0, 0.0, 0.0]),
    ("Gazebo/RedTransparent", [1.0, 0.0, 0.0]),
    ("Gazebo/Residential", [0.6, 0.58, 0.55]),
    ("Gazebo/Road", [0.3, 0.3, 0.3]),
    ("Gazebo/SkyBlue", [0.13, 0.44, 0.7]),
    ("Gazebo/Turquoise", [0.0, 1.0, 1.0]),
    ("Gazebo/White", [1.0, 1.0, 1.0]),
    ("Gazebo/Wood", [0.55, 0.4, 0.25]),
    ("Gazebo/Yellow", [1.0, 1.0, 0.0]),
];

impl Parser<'_> {
    /// The visual's material; Gazebo's grey if it names none.
    pub(super) fn material(&mut self, src: &Source, visual: &Element) -> Result<Material> {
        let mut material = Material::default();
        let Some(e) = visual.child("material") else { return Ok(material) };
        let mut coloured = false;
        if let Some(name) = e.child("script").and_then(|s| {
            s.children("uri").for_each(Element::mark);
            s.child("name")
        }) {
            match SCRIPTS.iter().find(|(n, _)| *n == name.text()) {
                Some((_, [r, g, b])) => {
                    material.diffuse = [*r, *g, *b, 1.0];
                    material.ambient = material.diffuse;
                    coloured = true;
                }
                None => self.report.warn(format!(
                    "{}: material script \"{}\" is not known, the colours beside it are used",
                    src.place(name),
                    name.text()
                )),
            }
        }
        for (tag, slot) in [("diffuse", 1), ("ambient", 0), ("specular", 2), ("emissive", 3)] {
            let Some(c) = e.child(tag) else { continue };
            let color = src.color(c)?;
            match slot {
                0 => material.ambient = color,
                1 => material.diffuse = color,
                2 => material.specular = color,
                _ => material.emissive = color,
            }
            coloured |= slot < 2;
        }
        // The specification's defaults for a material without colours are black, which hides textured things whose
        // texture we do not load; Gazebo's grey shows their shape.
        if coloured && e.child("ambient").is_none() {
            material.ambient = material.diffuse;
        }
        Ok(material)
    }
}
