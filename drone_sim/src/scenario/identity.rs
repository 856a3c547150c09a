//! Which world it is, as a number.

use std::fmt::Write;

use super::world::World;
use crate::checkpoint::{checksum, checksum_on};

/// What is written runs into a checksum.
struct Sum(u64);

impl std::fmt::Write for Sum {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 = checksum_on(self.0, text.as_bytes());
        Ok(())
    }
}

/// A number that all give that the file says of masses, joints, rotors, sensors and shapes to touch; not what things look like, nor
/// where files lie.
fn particulars(world: &World) -> u64 {
    let mut sum = Sum(checksum(&[]));
    let _ = write!(sum, "{:?} {:?}", world.mechanisms, world.solids.all());
    if let Some(sdf) = &world.sdf {
        let _ = write!(sum, "{:?} {:?} {:?} {:?}", sdf.wind, sdf.earth, sdf.plugins, sdf.actors);
    }
    let beside = world.sdf.iter().flat_map(|sdf| &sdf.models);
    for model in world.craft.as_deref().into_iter().chain(beside) {
        let _ = write!(sum, "{:?} {:?} {:?}", model.pose, model.plugins, model.joints);
        model.visit_links(&mut |_, inner, link| {
            let _ = write!(sum, "{:?} {:?} {:?} {:?}", inner.plugins, link.pose, link.inertial, link.sensors);
        });
    }
    sum.0
}

impl World {
    /// A number that the world's things give: another file under the same name is noticed. What things look like does not enter.
    pub fn number(&self) -> u64 {
        let mut bytes = Vec::new();
        for thing in &self.things {
            bytes.extend_from_slice(thing.name.as_bytes());
            let (p, q) = (thing.pose.translation.vector, thing.pose.rotation.coords);
            for x in p.iter().chain(q.iter()) {
                bytes.extend_from_slice(&x.to_bits().to_le_bytes());
            }
        }
        bytes.extend_from_slice(&particulars(self).to_le_bytes());
        bytes.extend_from_slice(&(self.solids.all().len() as u64).to_le_bytes());
        let weights =
            self.clumps.iter().flat_map(|c| std::iter::once(&c.matter.mass).chain(&c.matter.inertia));
        let places = self.start.iter().chain(self.goal.iter());
        for x in self.gravity.iter().chain(places).chain(weights) {
            bytes.extend_from_slice(&x.to_bits().to_le_bytes());
        }
        checksum(&bytes)
    }
}
