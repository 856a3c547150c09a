//! Which links of a model hold together and which of these groups nothing holds.
//!
//! Fixed joints make one body of links. A link without a joint is a body of its own, as in Gazebo: such a model falls apart. Joints that
//! turn or slide hang bodies on each other, as the wheels of a cart. What is fixed to the world stands, and what hangs on it, or on a
//! base that cannot touch anything, is a mechanism ([`super::mechanism`]).

use std::collections::BTreeMap;

use nalgebra::Isometry3;

use super::mechanism::{freedom, law};
use crate::physics::bodies::{Habits, Hold, Matter};
use crate::sdf::types::{Geometry, Joint, JointKind, Known, Link, MeshKind, SdfModel};
use crate::shape::Shape;

/// Links that hold together.
#[derive(Debug, Clone, PartialEq)]
pub struct Clump {
    /// Its object id in the world.
    pub object: u32,
    /// The model's name.
    pub model: String,
    /// Names of links and their places in the body's frame; none if the body is the model itself, frame and all.
    pub links: Vec<(String, Isometry3<f64>)>,
    /// How heavy it is, in the body's frame.
    pub matter: Matter,
    /// How it moves.
    pub habits: Habits,
}

/// A joint between two bodies.
#[derive(Debug, Clone, PartialEq)]
pub struct Hinge {
    /// Object ids of the bodies: parent, child.
    pub objects: [u32; 2],
    /// How the one hangs on the other.
    pub hold: Hold,
}

/// The groups of a model.
#[derive(Debug, Default)]
pub(super) struct Clumps<'a> {
    /// Joints that move, between groups.
    hinges: Vec<(usize, usize, &'a Joint)>,
    /// Links by group. The first group is that of the canonical link, and moves with the model's frame.
    groups: Vec<Vec<(String, &'a Link)>>,
    /// Whether the group may move.
    free: Vec<bool>,
    /// Why a group stands that is not meant to.
    pub faults: Vec<String>,
}

impl<'a> Clumps<'a> {
    /// Of a model; without groups if all of it stands.
    pub fn of(model: &'a SdfModel) -> Self {
        let mut links: Vec<(String, &Link)> = Vec::new();
        let mut joints = Vec::new();
        let mut canonical = BTreeMap::new();
        gather(model, "", &mut links, &mut joints, &mut canonical);
        let (fixed, moving): (Vec<_>, Vec<_>) =
            joints.into_iter().partition(|j| j.2.kind == JointKind::Fixed);
        if model.is_static || links.is_empty() || moving.iter().any(|j| !is_known(j.2.kind) || j.0 == "world")
        {
            return Self::default();
        }
        let drives = |p: &crate::sdf::types::Plugin| matches!(p.known, Some(Known::DiffDrive(_)));
        if !moving.is_empty() && model.plugins.iter().any(drives) {
            return Self::default();
        }
        let number: BTreeMap<&str, usize> =
            links.iter().enumerate().map(|(i, (name, _))| (name.as_str(), i)).collect();
        let find = |name: &str| {
            let link = canonical.get(name).map_or(name, String::as_str);
            number.get(link).copied()
        };
        let mut group: Vec<usize> = (0..links.len()).collect();
        let mut held = vec![false; links.len()];
        let mut out = Self::default();
        for (parent, child, _) in &fixed {
            match (find(parent), find(child)) {
                (Some(parent), Some(child)) => {
                    let (a, b) = (group[parent], group[child]);
                    group.iter_mut().filter(|g| **g == b).for_each(|g| *g = a);
                }
                (None, Some(child)) if parent == "world" => held[child] = true,
                _ => {
                    // An end that is a frame: what it belongs to is not known here.
                    out.faults.push(format!(
                        "a fixed joint between {parent} and {child}, which are not both links"
                    ));
                    held.fill(true);
                }
            }
        }
        let first =
            canonical.get("").and_then(|name| number.get(name.as_str())).map_or(group[0], |i| group[*i]);
        let mut order: Vec<usize> = vec![first];
        for g in &group {
            if !order.contains(g) {
                order.push(*g);
            }
        }
        for g in order {
            let of: Vec<usize> = (0..links.len()).filter(|i| group[*i] == g).collect();
            let mut free = !of.iter().any(|i| held[*i] || links[*i].1.kinematic);
            let members: Vec<(String, &Link)> = of.iter().map(|i| links[*i].clone()).collect();
            if let Some(fault) = members.iter().find_map(|(name, link)| fault(name, link)).filter(|_| free) {
                out.faults.push(fault);
                free = false;
            }
            out.groups.push(members);
            out.free.push(free);
        }
        for (parent, child, joint) in &moving {
            let of = |name: &str| {
                let name = canonical.get(name).map_or(name, String::as_str);
                out.groups.iter().position(|g| g.iter().any(|(n, _)| n == name))
            };
            match (of(parent), of(child)) {
                (Some(a), Some(b)) if a != b => out.hinges.push((a, b, joint)),
                (Some(_), Some(_)) => {}
                _ => return Self::default(),
            }
        }
        let touches = |g: &Vec<(String, &Link)>| g.iter().any(|(_, link)| !link.collisions.is_empty());
        // A base that nothing carries is none: then it stands, and is a mechanism, or stands as a whole.
        if !out.hinges.is_empty() && (out.free.contains(&false) || !out.groups.first().is_some_and(touches)) {
            return Self::default();
        }
        if !out.free.contains(&true) {
            out.groups.clear();
        }
        out
    }

    /// Whether joints hang its bodies on each other.
    pub fn hangs(&self) -> bool {
        !self.hinges.is_empty()
    }

    /// Its joints, between groups that are these objects.
    pub fn hinges(&self, model: &SdfModel, objects: &[u32]) -> Vec<Hinge> {
        let frame = |group: usize| if group == 0 { model.pose } else { self.groups[group][0].1.pose };
        let hinge = |(a, b, joint): &(usize, usize, &Joint)| Hinge {
            objects: [objects[*a], objects[*b]],
            hold: Hold {
                freedom: freedom(joint),
                law: law(joint),
                parent: frame(*a).inverse() * joint.pose,
                child: frame(*b).inverse() * joint.pose,
            },
        };
        self.hinges.iter().map(hinge).collect()
    }

    /// The group of a link; 0 for what stands with the model.
    pub fn index(&self, link: &Link) -> usize {
        self.groups.iter().position(|g| g.iter().any(|(_, l)| std::ptr::eq(*l, link))).unwrap_or(0)
    }

    /// How many groups.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// How many of its joints are ball joints.
    pub fn balls(&self) -> usize {
        self.hinges.iter().filter(|(_, _, joint)| joint.kind == JointKind::Ball).count()
    }

    /// How many of them move.
    pub fn count(&self) -> usize {
        self.groups.iter().zip(&self.free).filter(|(_, free)| **free).count()
    }

    /// Name and frame of what group `index` above 0 is in the world.
    pub fn part(&self, index: usize) -> Option<(&str, Isometry3<f64>)> {
        let (name, link) = self.groups.get(index)?.first()?;
        Some((name, link.pose))
    }

    /// Those that move, whose groups are these objects.
    pub fn build(&self, model: &SdfModel, objects: &[u32]) -> Vec<Clump> {
        let mut out = Vec::new();
        for (index, (group, free)) in self.groups.iter().zip(&self.free).enumerate() {
            let frame = if index == 0 { model.pose } else { group[0].1.pose };
            let into = frame.inverse();
            let parts = group.iter().map(|(_, link)| matter(link, &into));
            let parts: Vec<Matter> = parts.collect();
            let Some(matter) = Matter::joined(&parts).filter(|_| *free) else { continue };
            let names = group.iter().map(|(name, link)| (name.clone(), into * link.pose));
            let decay = group[0].1.velocity_decay.map(|d| d.max(0.0));
            out.push(Clump {
                object: objects[index],
                model: model.name.clone(),
                links: if index == 0 { Vec::new() } else { names.collect() },
                matter,
                habits: Habits {
                    gravity: group.iter().any(|(_, link)| link.gravity),
                    decay,
                    // As in Gazebo, links of one model do not collide.
                    kin: if self.groups.len() > 1 { objects[0] } else { 0 },
                },
            });
        }
        out
    }
}

/// Kinds of joints between bodies.
fn is_known(kind: JointKind) -> bool {
    matches!(kind, JointKind::Revolute | JointKind::Continuous | JointKind::Prismatic | JointKind::Ball)
}

/// Links and joints of a model and of those inside, by their names in the outermost one, and which link stands for a model.
fn gather<'a>(
    model: &'a SdfModel,
    scope: &str,
    links: &mut Vec<(String, &'a Link)>,
    joints: &mut Vec<(String, String, &'a Joint)>,
    canonical: &mut BTreeMap<String, String>,
) {
    let scoped = |name: &str| if name == "world" { name.to_string() } else { format!("{scope}{name}") };
    links.extend(model.links.iter().map(|l| (scoped(&l.name), l)));
    for inner in &model.models {
        gather(inner, &format!("{scope}{}::", inner.name), links, joints, canonical);
    }
    joints.extend(model.joints.iter().map(|j| (scoped(&j.parent), scoped(&j.child), j)));
    let own = if model.canonical_link.is_empty() {
        links.iter().find(|(name, _)| name.starts_with(scope)).map(|(name, _)| name.clone())
    } else {
        Some(scoped(&model.canonical_link))
    };
    if let Some(link) = own {
        canonical.insert(scope.trim_end_matches("::").to_string(), link);
    }
}

/// What a link weighs, in a frame that the world is brought into by `into`.
fn matter(link: &Link, into: &Isometry3<f64>) -> Matter {
    Matter::new(link.inertial.mass, &(into * link.inertial.pose), &link.inertial.inertia)
}

/// Why a link cannot be free.
fn fault(name: &str, link: &Link) -> Option<String> {
    if let Some(fault) = matter(link, &Isometry3::identity()).fault() {
        return Some(format!("link {name} has {fault}"));
    }
    let endless = link.collisions.iter().find(|c| match &c.geometry {
        Geometry::Shape(shape) => matches!(shape, Shape::Plane { .. }),
        Geometry::Mesh(mesh) => mesh.kind == MeshKind::Heightmap,
        Geometry::Empty => false,
    });
    endless.map(|c| format!("link {name} has the collision {}, a plane or a height map", c.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdf::{Loader, MeshPolicy};

    fn model(text: &str) -> SdfModel {
        let mut loader = Loader::from_env();
        loader.mesh = MeshPolicy::Placeholder;
        let text = format!("<sdf version='1.9'><model name='m'>{text}</model></sdf>");
        loader.load_str(&text, "t").unwrap().models.remove(0)
    }

    fn link(name: &str, more: &str) -> String {
        format!("<link name='{name}'>{more}</link>")
    }

    fn joint(name: &str, kind: &str, parent: &str, child: &str) -> String {
        format!("<joint name='{name}' type='{kind}'><parent>{parent}</parent><child>{child}</child></joint>")
    }

    /// Names of the links of each body that moves.
    fn free(model: &SdfModel) -> Vec<Vec<String>> {
        let clumps = Clumps::of(model);
        let names = |g: &Vec<(String, &Link)>| g.iter().map(|(name, _)| name.clone()).collect();
        clumps.groups.iter().zip(&clumps.free).filter(|(_, free)| **free).map(|(g, _)| names(g)).collect()
    }

    #[test]
    fn fixed_joints_hold_and_nothing_else_does() {
        let three = [link("a", ""), link("b", ""), link("c", "")].concat();
        assert_eq!(free(&model(&three)), [["a"], ["b"], ["c"]]);
        let welded = three.clone() + &joint("j", "fixed", "c", "a");
        assert_eq!(free(&model(&welded)), [vec!["a", "c"], vec!["b"]]);
        let nailed = welded.clone() + &joint("k", "fixed", "world", "c");
        assert_eq!(free(&model(&nailed)), [["b"]]);
        assert!(
            free(&model(&(welded + &joint("k", "revolute", "a", "b")))).is_empty(),
            "a base that touches nothing"
        );
        assert!(free(&model(&(three + "<static>1</static>"))).is_empty());
        assert_eq!(free(&model(&(link("a", "<kinematic>1</kinematic>") + &link("b", "")))), [["b"]]);
    }

    #[test]
    fn joints_hang_bodies_on_a_base_that_is_free() {
        let touch =
            "<collision name='c'><geometry><sphere><radius>1</radius></sphere></geometry></collision>";
        let cart = [link("base", touch), link("box", ""), link("wheel", "<pose>1 0 0 0 0 0</pose>")].concat()
            + &joint("f", "fixed", "base", "box");
        let axle = joint("a", "revolute", "box", "wheel")
            .replace("</child>", "</child><axis><xyz>0 1 0</xyz></axis>");
        let whole = model(&(cart.clone() + &axle));
        let clumps = Clumps::of(&whole);
        assert!(clumps.hangs() && clumps.len() == 2, "{clumps:?}");
        let hinges = clumps.hinges(&whole, &[3, 4]);
        assert_eq!((hinges.len(), hinges[0].objects, hinges[0].hold.parent.translation.x), (1, [3, 4], 1.0));
        assert!(clumps.build(&whole, &[3, 4]).iter().all(|c| c.habits.kin == 3));
        let refused = [
            cart.clone() + &joint("a", "universal", "box", "wheel"),
            cart.clone() + &axle + &joint("w", "fixed", "world", "base"),
            cart + &axle + &joint("w", "revolute", "world", "base"),
        ];
        assert!(refused.iter().all(|text| Clumps::of(&model(text)).len() == 0));
    }

    #[test]
    fn models_inside_hang_on_by_their_names() {
        let inner = format!("<model name='in'>{}{}</model>", link("x", ""), link("y", ""));
        let text =
            link("a", "") + &inner + &joint("j", "fixed", "a", "in::y") + &joint("k", "fixed", "in", "a");
        let model = model(&text);
        assert_eq!(free(&model), [["a", "in::x", "in::y"]]);
        let made = Clumps::of(&model).build(&model, &[7]);
        assert_eq!((made.len(), made[0].object, made[0].links.len()), (1, 7, 0));
        assert!((made[0].matter.mass - 3.0).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_free_stands_and_says_why() {
        let weight = |mass: &str, ixx: &str| {
            let inertia = format!("<inertia><ixx>{ixx}</ixx></inertia>");
            model(&link("a", &format!("<inertial><mass>{mass}</mass>{inertia}</inertial>")))
        };
        assert_eq!(Clumps::of(&weight("2", "1")).faults, Vec::<String>::new());
        for (mass, ixx, why) in
            [("0", "1", "0 kg"), ("-1", "1", "-1 kg"), ("2", "0", "moments"), ("inf", "1", "inf")]
        {
            let model = weight(mass, ixx);
            let clumps = Clumps::of(&model);
            assert!(clumps.len() == 0 && clumps.faults[0].contains(why), "{:?}", clumps.faults);
        }
        let plane = "<collision name='c'><geometry><plane/></geometry></collision>";
        let model = model(&link("a", plane));
        assert!(Clumps::of(&model).faults[0].contains("plane"));
    }
}
