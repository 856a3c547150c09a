// The pictures of the CPU rasteriser by a graphics processor: the same geometry, light, shadow, haze, sky and tone curve,
// in the number format and rounding of whatever executes this.

struct Frame {
    // fx, fy, cx, cy in pixels.
    lens: vec4<f32>,
    // Width and height in pixels, near and far in metres.
    range: vec4<f32>,
    // World from the camera's optical frame, rows.
    world: array<vec4<f32>, 3>,
    // Unit vector to the sun, world.
    to_sun: vec4<f32>,
    sun: vec4<f32>,
    ambient: vec4<f32>,
    bounce: vec4<f32>,
    zenith: vec4<f32>,
    // w: share of clouds.
    horizon: vec4<f32>,
    ground: vec4<f32>,
    // w: density per metre.
    fog: vec4<f32>,
    // Shadow map (texels, texels, metres) from camera space, rows.
    shade: array<vec4<f32>, 3>,
    // Metres per texel, texels per side, half the depth of the map in metres, 1 if there is one.
    map: vec4<f32>,
}

struct Thing {
    // Camera (or shadow map) from the object's frame, rows, scale included.
    place: array<vec4<f32>, 3>,
    // World from the object's frame for normals, rows.
    turn: array<vec4<f32>, 3>,
    // Material, object id.
    ids: vec4<u32>,
}

struct Material {
    // w: strength of the highlight.
    diffuse: vec4<f32>,
    // w: share of the sky mirrored.
    emissive: vec4<f32>,
    // Wrap, scale of the second texture, number of squarings of the highlight, flags.
    more: vec4<f32>,
}

const TEXTURED: u32 = 1u;
const DETAILED: u32 = 2u;
const UNLIT: u32 = 4u;
const CUTOUT: u32 = 8u;

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> things: array<Thing>;
@group(0) @binding(2) var<storage, read> materials: array<Material>;
@group(0) @binding(3) var clouds: texture_2d<f32>;
@group(0) @binding(4) var smooth_repeat: sampler;
@group(0) @binding(5) var nearest_repeat: sampler;
@group(0) @binding(6) var shadow_map: texture_depth_2d;

@group(1) @binding(0) var skin: texture_2d<f32>;
@group(1) @binding(1) var skin_sampler: sampler;
@group(1) @binding(2) var detail: texture_2d<f32>;

struct In {
    @location(0) position: vec3<f32>,
    @location(1) normal: vec3<f32>,
    @location(2) uv: vec2<f32>,
    @location(3) colour: vec3<f32>,
    @builtin(instance_index) index: u32,
}

struct Mid {
    @builtin(position) clip: vec4<f32>,
    // Camera space, metres.
    @location(0) at: vec3<f32>,
    @location(1) normal: vec3<f32>,
    @location(2) uv: vec2<f32>,
    @location(3) colour: vec3<f32>,
    @location(4) @interpolate(flat) ids: vec2<u32>,
}

fn by_rows(rows: array<vec4<f32>, 3>, v: vec4<f32>) -> vec3<f32> {
    return vec3<f32>(dot(rows[0], v), dot(rows[1], v), dot(rows[2], v));
}

@vertex
fn corner(in: In) -> Mid {
    let thing = things[in.index];
    let p = by_rows(thing.place, vec4<f32>(in.position, 1.0));
    let near = frame.range.z;
    let far = frame.range.w;
    // Near maps to 1 and far to 0: that is where floating-point depths are fine.
    let depth = (near * far - near * p.z) / (far - near);
    let x = 2.0 * (frame.lens.z * p.z + frame.lens.x * p.x) / frame.range.x - p.z;
    let y = 2.0 * (frame.lens.w * p.z + frame.lens.y * p.y) / frame.range.y - p.z;
    var out: Mid;
    out.clip = vec4<f32>(x, -y, depth, p.z);
    out.at = p;
    out.normal = by_rows(thing.turn, vec4<f32>(in.normal, 0.0));
    out.uv = in.uv;
    out.colour = in.colour;
    out.ids = thing.ids.xy;
    return out;
}

fn has(flags: f32, flag: u32) -> bool {
    return (u32(flags) & flag) != 0u;
}

// The mip level: geometric mean of both sides of a pixel's footprint, at most 2.5 levels sharper than its long side asks for.
fn level_of(uv: vec2<f32>, size: vec2<f32>) -> f32 {
    let x = dpdx(uv) * size;
    let y = dpdy(uv) * size;
    let a = dot(x, x);
    let b = dot(y, y);
    let long = max(a, b);
    let squared = max(max(sqrt(a * b), long / 32.0), 1e-20);
    return max(floor((floor(log2(squared)) + 1.0) * 0.5), 0.0);
}

fn hidden(at: vec3<f32>, facing: f32) -> f32 {
    if frame.map.w == 0.0 {
        return 1.0;
    }
    let p = by_rows(frame.shade, vec4<f32>(at, 1.0));
    let uv = p.xy - 0.5;
    let side = frame.map.y;
    if uv.x < 0.5 || uv.y < 0.5 || uv.x >= side - 2.0 || uv.y >= side - 2.0 {
        return 1.0;
    }
    let slope = 3.5 - max(facing, 0.0) * 2.5;
    let depth = (p.z - slope * frame.map.x) / (2.0 * frame.map.z) + 0.5;
    let low = floor(uv);
    let part = uv - low;
    let cell = vec2<i32>(low);
    let a = f32(depth <= textureLoad(shadow_map, cell, 0));
    let b = f32(depth <= textureLoad(shadow_map, cell + vec2<i32>(1, 0), 0));
    let c = f32(depth <= textureLoad(shadow_map, cell + vec2<i32>(0, 1), 0));
    let d = f32(depth <= textureLoad(shadow_map, cell + vec2<i32>(1, 1), 0));
    return mix(mix(a, b, part.x), mix(c, d, part.x), part.y);
}

fn gradient(up: f32) -> vec3<f32> {
    if up < 0.0 {
        return mix(frame.horizon.xyz, frame.ground.xyz, min(-up * 12.0, 1.0));
    }
    return mix(frame.horizon.xyz, frame.zenith.xyz, 1.0 - (1.0 - up) * (1.0 - up));
}

// Linear light to sRGB through the filmic curve of the CPU renderer.
fn tone(linear: vec3<f32>) -> vec4<f32> {
    let x = max(linear, vec3<f32>(0.0)) * 0.62;
    let film = clamp(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), vec3<f32>(0.0), vec3<f32>(1.0));
    let bright = 1.055 * pow(film, vec3<f32>(1.0 / 2.4)) - 0.055;
    return vec4<f32>(select(bright, film * 12.92, film <= vec3<f32>(0.0031308)), 1.0);
}

struct Out {
    @location(0) colour: vec4<f32>,
    @location(1) object: u32,
}

@fragment
fn plain(in: Mid) -> @location(1) u32 {
    let level = level_of(in.uv, vec2<f32>(textureDimensions(skin)));
    if has(materials[in.ids.x].more.w, CUTOUT) && textureSampleLevel(skin, skin_sampler, in.uv, level).w < 0.5 {
        discard;
    }
    return in.ids.y;
}

@fragment
fn shaded(in: Mid, @builtin(front_facing) front: bool) -> Out {
    let material = materials[in.ids.x];
    let flags = material.more.w;
    var albedo = material.diffuse.xyz * in.colour;
    // Derivatives want uniform control flow, so this comes first.
    let level = level_of(in.uv, vec2<f32>(textureDimensions(skin)));
    if has(flags, TEXTURED) {
        let t = textureSampleLevel(skin, skin_sampler, in.uv, level);
        if has(flags, CUTOUT) && t.w < 0.5 {
            discard;
        }
        albedo *= t.xyz * t.xyz;
        if has(flags, DETAILED) {
            let d = textureSampleLevel(detail, nearest_repeat, in.uv * material.more.y, 0.0).xyz;
            albedo *= d * d * 2.0;
        }
    }
    var out: Out;
    out.object = in.ids.y;
    if has(flags, UNLIT) {
        out.colour = tone(albedo + material.emissive.xyz);
        return out;
    }
    let n = normalize(select(-in.normal, in.normal, front));
    let wrap = material.more.x;
    let facing = dot(n, frame.to_sun.xyz);
    var lit = max((facing + wrap) / (1.0 + wrap), 0.0);
    if lit > 0.0 {
        lit *= hidden(in.at, facing);
    }
    let ambient = mix(frame.bounce.xyz, frame.ambient.xyz, n.z * 0.5 + 0.5);
    var colour = albedo * (lit * frame.sun.xyz + ambient) + material.emissive.xyz;
    let specular = material.diffuse.w;
    let reflective = material.emissive.w;
    let distance = length(in.at);
    if specular > 0.0 || reflective > 0.0 {
        let d = by_rows(frame.world, vec4<f32>(in.at / distance, 0.0));
        let cosine = -dot(n, d);
        let mirror = d + n * (2.0 * cosine);
        let grazing = 1.0 - clamp(cosine, 0.0, 1.0);
        let g2 = grazing * grazing;
        if reflective > 0.0 {
            let fresnel = reflective + (1.0 - reflective) * g2 * g2 * grazing * 0.6;
            colour = mix(colour, gradient(mirror.z), fresnel);
        }
        var s = max(dot(mirror, frame.to_sun.xyz), 0.0);
        for (var i = 0.0; i < material.more.z; i += 1.0) {
            s *= s;
        }
        if lit > 0.0 {
            colour += frame.sun.xyz * (specular * s * min(lit * 4.0, 1.0));
        }
    }
    let x = distance * frame.fog.w;
    let clear = 1.0 / ((x * 0.235 + 0.48) * x * x + x + 1.0);
    out.colour = tone(mix(frame.fog.xyz, colour, clear));
    return out;
}

struct Dome {
    @builtin(position) clip: vec4<f32>,
    @location(0) ray: vec2<f32>,
}

// One triangle over the whole picture, at the far plane.
@vertex
fn dome(@builtin(vertex_index) index: u32) -> Dome {
    let x = f32(index & 1u) * 4.0 - 1.0;
    let y = f32(index >> 1u) * 4.0 - 1.0;
    let pixel = vec2<f32>((x + 1.0) * 0.5 * frame.range.x, (1.0 - y) * 0.5 * frame.range.y);
    var out: Dome;
    out.clip = vec4<f32>(x, y, 0.0, 1.0);
    out.ray = (pixel - frame.lens.zw) / frame.lens.xy;
    return out;
}

@fragment
fn heaven(in: Dome) -> @location(0) vec4<f32> {
    let d = by_rows(frame.world, vec4<f32>(normalize(vec3<f32>(in.ray, 1.0)), 0.0));
    var c = gradient(d.z);
    if d.z <= 0.0 {
        return tone(c);
    }
    let share_of_clouds = frame.horizon.w;
    if share_of_clouds > 0.0 {
        let n = textureSampleLevel(clouds, smooth_repeat, d.xy * (0.27 / (d.z + 0.12)), 0.0).x;
        let over = n - (0.74 - 0.42 * share_of_clouds);
        let cover = clamp(over * 5.0, 0.0, 1.0);
        let thick = clamp(over * 2.4, 0.0, 1.0);
        let white = (1.25 - 0.55 * thick) * frame.horizon.xyz + (0.10 - 0.10 * thick) * frame.sun.xyz;
        c = mix(c, white, cover * min(d.z * 7.0, 1.0) * 0.9);
    }
    let s = max(dot(d, frame.to_sun.xyz), 0.0);
    let s8 = pow(s, 8.0);
    let s32 = s8 * s8 * s8 * s8;
    let s128 = s32 * s32 * s32 * s32;
    let glow = s8 * 0.04 + s32 * 0.06 + s128 * s128 * 0.35 + select(0.0, 6.0, s > 0.9994);
    return tone(c + glow * frame.sun.xyz);
}

struct Cast {
    @builtin(position) clip: vec4<f32>,
    @location(0) uv: vec2<f32>,
}

@vertex
fn thrown(in: In) -> Cast {
    let p = by_rows(things[in.index].place, vec4<f32>(in.position, 1.0));
    let side = frame.map.y;
    var out: Cast;
    out.clip = vec4<f32>(2.0 * p.x / side - 1.0, 1.0 - 2.0 * p.y / side, p.z / (2.0 * frame.map.z) + 0.5, 1.0);
    out.uv = in.uv;
    return out;
}

@fragment
fn leaves(in: Cast) {
    if textureSampleLevel(skin, skin_sampler, in.uv, 1.0).w < 0.5 {
        discard;
    }
}
