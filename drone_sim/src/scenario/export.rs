//! A world as SDF, so that the same forest can be flown in Gazebo.

use std::fmt::Write;

use super::world::World;
use crate::shape::Shape;

impl World {
    /// SDF 1.9 text of everything that can be touched, one static model per thing, with frames `start` and `goal`.
    /// Colours are by kind; textures do not travel.
    pub fn to_sdf(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\"?>\n<sdf version=\"1.9\">\n");
        let _ = writeln!(out, "  <world name=\"{}\">", escape(&self.name));
        let g = self.gravity;
        let _ = writeln!(out, "    <gravity>{} {} {}</gravity>", g.x, g.y, g.z);
        let _ = writeln!(out, "    <physics type=\"ode\"><max_step_size>0.001</max_step_size></physics>");
        for (name, p, yaw) in [("start", self.start, self.start_yaw), ("goal", self.goal, 0.0)] {
            let _ = writeln!(
                out,
                "    <frame name=\"{name}\"><pose>{} {} {} 0 0 {yaw}</pose></frame>",
                p.x, p.y, p.z
            );
        }
        out.push_str("    <light type=\"directional\" name=\"sun\"><cast_shadows>true</cast_shadows>\n");
        out.push_str(
            "      <diffuse>0.9 0.88 0.82 1</diffuse><direction>-0.55 0.45 -0.75</direction></light>\n",
        );
        self.write_model(&mut out, "ground", 0);
        for (i, thing) in self.things.iter().enumerate() {
            self.write_model(&mut out, &thing.name, i as u32 + 1);
        }
        out.push_str("  </world>\n</sdf>\n");
        out
    }

    fn write_model(&self, out: &mut String, name: &str, object: u32) {
        let parts: Vec<_> = self.solids.all().iter().filter(|s| s.object == object).collect();
        if parts.is_empty() {
            return;
        }
        let _ =
            writeln!(out, "    <model name=\"{}\"><static>true</static><link name=\"link\">", escape(name));
        for (i, solid) in parts.into_iter().enumerate() {
            let (t, (roll, pitch, yaw)) = (solid.pose.translation, solid.pose.rotation.euler_angles());
            let pose = format!("<pose>{} {} {} {roll} {pitch} {yaw}</pose>", t.x, t.y, t.z);
            let geometry = geometry(&solid.shape);
            let [r, g, b] = match solid.shape {
                Shape::Plane { .. } => [0.36, 0.42, 0.27],
                Shape::Cylinder { .. } => [0.42, 0.34, 0.26],
                Shape::Sphere { .. } | Shape::Cone { .. } | Shape::Ellipsoid { .. } => [0.3, 0.42, 0.2],
                _ => [0.6, 0.6, 0.6],
            };
            let _ = writeln!(out, "      <collision name=\"c{i}\">{pose}{geometry}</collision>");
            let color = format!("<ambient>{r} {g} {b} 1</ambient><diffuse>{r} {g} {b} 1</diffuse>");
            let _ = writeln!(
                out,
                "      <visual name=\"v{i}\">{pose}{geometry}<material>{color}</material></visual>"
            );
        }
        out.push_str("    </link></model>\n");
    }
}

fn geometry(shape: &Shape) -> String {
    let inner = match shape {
        Shape::Box { size } => format!("<box><size>{} {} {}</size></box>", size.x, size.y, size.z),
        Shape::Cylinder { radius, length } => round("cylinder", *radius, *length),
        Shape::Capsule { radius, length } => round("capsule", *radius, *length),
        Shape::Cone { radius, length } => round("cone", *radius, *length),
        Shape::Sphere { radius } => format!("<sphere><radius>{radius}</radius></sphere>"),
        Shape::Ellipsoid { radii: r } => {
            format!("<ellipsoid><radii>{} {} {}</radii></ellipsoid>", r.x, r.y, r.z)
        }
        Shape::Plane { normal: n, size } => {
            format!(
                "<plane><normal>{} {} {}</normal><size>{} {}</size></plane>",
                n.x, n.y, n.z, size[0], size[1]
            )
        }
        // SDF has no triangle of its own; a mesh's pieces do not travel.
        Shape::Triangle { .. } => "<empty/>".to_string(),
    };
    format!("<geometry>{inner}</geometry>")
}

fn round(tag: &str, radius: f64, length: f64) -> String {
    format!("<{tag}><radius>{radius}</radius><length>{length}</length></{tag}>")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::{ForestSpec, forest, from_sdf};
    use crate::sdf::Loader;

    /// What goes out comes back: same solids, same start, same goal.
    #[test]
    fn a_forest_survives_the_way_through_sdf() {
        let world = forest(&ForestSpec::default()).unwrap();
        let loaded = Loader::new().load_str(&world.to_sdf(), "forest").unwrap();
        let back = from_sdf(loaded, "forest", 1.0, 1.0).unwrap();
        assert!(back.report.as_ref().unwrap().is_complete());
        assert_eq!((back.start, back.goal), (world.start, world.goal));
        assert_eq!(back.solids.all().len(), world.solids.all().len());
        for (a, b) in back.solids.all().iter().zip(world.solids.all()) {
            assert_eq!((a.shape, a.object), (b.shape, b.object));
            assert!((a.pose.translation.vector - b.pose.translation.vector).norm() < 1e-12);
            assert!(a.pose.rotation.angle_to(&b.pose.rotation) < 1e-7);
        }
    }
}
