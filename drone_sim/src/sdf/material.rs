//! `<material>`: colours, and the names of Gazebo's Ogre scripts.

use super::parse::Parser;
use super::types::Material;
use super::value::Source;
use super::xml::Element;
use crate::error::Result;

/// Diffuse colours of the script names that worlds use most (gazebo.material of Gazebo classic).
const SCRIPTS: &[(&str, [f32; 3])] = &[
    ("Gazebo/Aluminum", [0.6, 0.6, 0.62]),
    ("Gazebo/Asphalt", [0.2, 0.2, 0.2]),
    ("Gazebo/Black", [0.0, 0.0, 0.0]),
    ("Gazebo/BlackTransparent", [0.0, 0.0, 0.0]),
    ("Gazebo/BlueGlow", [0.0, 0.0, 1.0]),
    ("Gazebo/BlueLaser", [0.0, 0.0, 1.0]),
    ("Gazebo/CeilingTiled", [0.8, 0.8, 0.78]),
    ("Gazebo/CloudySky", [0.6, 0.7, 0.8]),
    ("Gazebo/DarkGray", [0.175, 0.175, 0.175]),
    ("Gazebo/DarkMagentaTransparent", [0.55, 0.0, 0.55]),
    ("Gazebo/DarkOrangeTransparent", [1.0, 0.55, 0.0]),
    ("Gazebo/DarkYellow", [0.7, 0.7, 0.0]),
    ("Gazebo/Fish", [1.0, 0.5, 0.1]),
    ("Gazebo/GreenGlow", [0.0, 1.0, 0.0]),
    ("Gazebo/GreenTransparent", [0.0, 1.0, 0.0]),
    ("Gazebo/GreyGradientSky", [0.6, 0.6, 0.6]),
    ("Gazebo/GreyTransparent", [0.5, 0.5, 0.5]),
    ("Gazebo/GrassFloor", [0.3, 0.45, 0.2]),
    ("Gazebo/LightBlueLaser", [0.5, 0.5, 1.0]),
    ("Gazebo/LightOn", [0.0, 1.0, 0.0]),
    ("Gazebo/LightOff", [1.0, 0.0, 0.0]),
    ("Gazebo/LightGrey", [0.8, 0.8, 0.8]),
    ("Gazebo/MarsRed", [0.6, 0.3, 0.15]),
    ("Gazebo/MotionWhite", [1.0, 1.0, 1.0]),
    ("Gazebo/Motorway", [0.3, 0.3, 0.3]),
    ("Gazebo/OrangeTransparent", [1.0, 0.44, 0.0]),
    ("Gazebo/PaintedWall", [0.85, 0.83, 0.75]),
    ("Gazebo/Pedestrian", [0.55, 0.45, 0.4]),
    ("Gazebo/PioneerBody", [0.5, 0.0, 0.0]),
    ("Gazebo/Primary", [0.3, 0.3, 0.3]),
    ("Gazebo/PurpleGlow", [1.0, 0.0, 1.0]),
    ("Gazebo/RedBright", [0.87, 0.26, 0.07]),
    ("Gazebo/RedGlow", [1.0, 0.0, 0.0]),
    ("Gazebo/Runway", [0.25, 0.25, 0.25]),
    ("Gazebo/Secondary", [0.35, 0.35, 0.35]),
    ("Gazebo/Steel", [0.55, 0.56, 0.58]),
    ("Gazebo/Tertiary", [0.4, 0.4, 0.4]),
    ("Gazebo/TurquoiseGlow", [0.0, 1.0, 1.0]),
    ("Gazebo/WhiteGlow", [1.0, 1.0, 1.0]),
    ("Gazebo/WoodFloor", [0.55, 0.4, 0.25]),
    ("Gazebo/WoodPallet", [0.6, 0.5, 0.35]),
    ("Gazebo/WoodTile", [0.6, 0.45, 0.3]),
    ("Gazebo/YellowGlow", [1.0, 1.0, 0.0]),
    ("Gazebo/YellowTransparent", [1.0, 1.0, 0.0]),
    ("Gazebo/ZincYellow", [0.97, 0.85, 0.25]),
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
    /// The visual's material; `None` if it names none.
    pub(super) fn material(&mut self, src: &Source, visual: &Element) -> Result<Option<Material>> {
        let mut material = Material::default();
        let Some(e) = visual.child("material") else { return Ok(None) };
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
                None => *self.scripts.entry(name.text().to_string()).or_insert(0) += 1,
            }
        }
        for (tag, slot) in [("diffuse", 1), ("ambient", 0), ("specular", 2), ("emissive", 3)] {
            let Some(c) = src.filled(e, tag) else { continue };
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
        material.double_sided = src.flag(e, "double_sided", false)?;
        for quiet in ["lighting", "shader", "render_order"] {
            e.child(quiet).into_iter().for_each(Element::mark_all);
        }
        if let Some(pbr) = e.child("pbr")
            && let Some(flow) = ["metal", "specular"].into_iter().find_map(|name| pbr.child(name))
        {
            for factor in ["roughness", "metalness", "glossiness"] {
                flow.child(factor).into_iter().for_each(Element::mark);
            }
            if let Some(map) = flow.child("albedo_map").filter(|m| !m.text().is_empty()) {
                self.texture(src, map, &mut material);
                // The texture is multiplied by the diffuse colour, which the specification's black would blacken.
                if e.child("diffuse").is_none() {
                    material.diffuse = [1.0; 4];
                }
            }
        }
        Ok(Some(material))
    }

    fn texture(&mut self, src: &Source, map: &Element, material: &mut Material) {
        match self.loader.resource(map.text(), src.folder.as_deref()) {
            Ok(path) => material.albedo_map = Some(path),
            Err(searched) => {
                let text = map.text();
                self.unread.push("pbr/albedo_map".to_string());
                self.report.warn(format!("{}: texture {text} was not found ({searched})", src.place(map)));
            }
        }
    }
}
