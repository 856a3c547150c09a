//! What the shader reads, as words: see the structures in draw.wgsl.

use crate::maths::V3;
use crate::scene::{Material, Placed, SceneData};
use crate::shadow::ShadowView;
use crate::view::View;
use nalgebra::Isometry3;

/// Words of a `Frame`, a `Thing`, a `Material` in the shader.
pub(super) const FRAME: usize = 4 * 17;
pub(super) const THING: usize = 4 * 7;
pub(super) const MATERIAL: usize = 4 * 3;

const TEXTURED: u32 = 1;
const DETAILED: u32 = 2;
const UNLIT: u32 = 4;
const CUTOUT: u32 = 8;

/// The depth of the shadow map reaches this many of its radii to both sides of its middle.
const DEPTH_RADII: f32 = 16.0;

fn row(v: V3, w: f32) -> [f32; 4] {
    [v[0], v[1], v[2], w]
}

pub(super) fn frame(view: &View, words: &mut Vec<u32>) {
    let c = &view.camera;
    let shadow = view.shadow.as_ref();
    let shade = shadow.map_or([[0.0; 4]; 3], |s| s.from_camera);
    let map = shadow.map_or([0.0; 4], |s| [s.texel, s.resolution as f32, half_depth(s), 1.0]);
    let rows = [
        [c.fx as f32, c.fy as f32, c.cx as f32, c.cy as f32],
        [c.width as f32, c.height as f32, c.near_m as f32, c.far_m as f32],
        row(view.world_rows[0], 0.0),
        row(view.world_rows[1], 0.0),
        row(view.world_rows[2], 0.0),
        row(view.to_sun, 0.0),
        row(view.sun, 0.0),
        row(view.ambient, 0.0),
        row(view.bounce, 0.0),
        row(view.sky.zenith, 0.0),
        row(view.sky.horizon, view.sky.clouds),
        row(view.sky.ground, 0.0),
        row(view.fog.colour, view.fog.density),
        shade[0],
        shade[1],
        shade[2],
        map,
    ];
    words.clear();
    words.extend(rows.as_flattened().iter().map(|v| v.to_bits()));
    words.resize(FRAME, 0);
}

/// Half the extent of the shadow map along the light, metres.
fn half_depth(shadow: &ShadowView) -> f32 {
    DEPTH_RADII * shadow.texel * shadow.resolution as f32 / 2.0
}

/// A thing as the camera at `cam_from_world` sees it.
pub(super) fn thing(cam_from_world: &Isometry3<f64>, placed: &Placed, words: &mut Vec<u32>) {
    let instance = &placed.instance;
    let to_cam = cam_from_world * instance.pose;
    let (r, t) = (to_cam.rotation.to_rotation_matrix().into_inner(), to_cam.translation.vector);
    let s = instance.scale;
    for k in 0..3 {
        let place = [r[(k, 0)] * s.x, r[(k, 1)] * s.y, r[(k, 2)] * s.z, t[k]];
        words.extend(place.map(|v| (v as f32).to_bits()));
    }
    let w = instance.pose.rotation.to_rotation_matrix().into_inner();
    for k in 0..3 {
        let turn = [w[(k, 0)] / s.x, w[(k, 1)] / s.y, w[(k, 2)] / s.z, 0.0];
        words.extend(turn.map(|v| (v as f32).to_bits()));
    }
    words.extend([instance.material.0, instance.object, 0, 0]);
}

/// A thing as the sun sees it.
pub(super) fn caster(shadow: &ShadowView, placed: &Placed, words: &mut Vec<u32>) {
    let instance = &placed.instance;
    let (origin, axes) = shadow.frame_of(&instance.pose);
    let s = instance.scale;
    for k in 0..3 {
        let place = [axes[k][0] * s.x as f32, axes[k][1] * s.y as f32, axes[k][2] * s.z as f32, origin[k]];
        words.extend(place.map(f32::to_bits));
    }
    words.extend([0; 12]);
    words.extend([instance.material.0, 0, 0, 0]);
}

pub(super) fn material(scene: &SceneData, material: &Material, words: &mut Vec<u32>) {
    let cutout = material.texture.is_some_and(|t| scene.textures[t.0 as usize].cutout);
    let mut flags = 0;
    let has = [
        (material.texture.is_some(), TEXTURED),
        (material.texture.is_some() && material.detail.is_some(), DETAILED),
        (material.unlit, UNLIT),
        (cutout, CUTOUT),
    ];
    has.iter().filter(|(on, _)| *on).for_each(|(_, flag)| flags |= flag);
    let rows = [
        row(material.diffuse, material.specular),
        row(material.emissive, material.reflective),
        [material.wrap, material.detail_scale, material.sharpness.min(10) as f32, flags as f32],
    ];
    words.extend(rows.as_flattened().iter().map(|v| v.to_bits()));
}
