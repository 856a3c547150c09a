//! The frame loop: cull, then three shares of work for all threads (shadow strips, instances, tiles).
//!
//! Invariant: which thread does which share changes nothing. Shares are cut without looking at the number of threads,
//! each writes only its own buffer, and triangles meet a tile in the order of the shares.

use crate::camera::Camera;
use crate::cull::Clusters;
use crate::error::{RenderError, Result};
use crate::geometry::Chunk;
use crate::pool::{Job, Pool};
use crate::raster::{CHUNK_SHIFT, NONE, Plane, SAMPLES, Spot};
use crate::scene::{Placed, Scene, SceneData, check_pose};
use crate::shade::{self, Palette, Runs, Shader};
use crate::shadow::{BANDS, Band, Map, ShadowSettings, ShadowView};
use crate::sky::cloud_texture;
use crate::texture::Texture;
use crate::tone::Tone;
use crate::view::{TILE, View};
use nalgebra::{Isometry3, Point3};
use std::array::from_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Shares of the visible instances.
const CHUNKS: usize = 32;

/// Where a frame goes; each may be absent. All rows from the top, no padding.
#[derive(Debug, Default)]
pub struct Targets<'a> {
    /// sRGB, 3 bytes per pixel.
    pub rgb: Option<&'a mut [u8]>,
    /// Metres along the optical z axis; +inf where nothing is drawn between near and far.
    pub depth: Option<&'a mut [f32]>,
    /// `Instance::object` of what is seen at the pixel's centre; 0 where nothing is.
    pub object: Option<&'a mut [u32]>,
}

/// What a frame costs in looks and time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Smooth edges in RGB: four samples per pixel for coverage, shading once per surface.
    pub antialias: bool,
    /// Sun shadows.
    pub shadow: ShadowSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self { antialias: true, shadow: ShadowSettings::default() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Shadow,
    Geometry,
    Tiles,
}

struct Input {
    phase: Phase,
    view: Option<View>,
    scene: Option<Arc<SceneData>>,
    clusters: Clusters,
    /// Distance to the near side of the instance's sphere as bits, instance: nearest first.
    visible: Vec<(u32, u32)>,
    /// Ends of the shares in `visible`.
    ends: [usize; CHUNKS],
}

#[derive(Default)]
struct Tile {
    rgb: Vec<u8>,
    depth: Vec<f32>,
    object: Vec<u32>,
}

struct Scratch {
    planes: Vec<Plane>,
    palette: Palette,
}

struct FrameJob {
    input: RwLock<Input>,
    next: AtomicUsize,
    chunks: [RwLock<Chunk>; CHUNKS],
    bands: [RwLock<Band>; BANDS],
    shadow: RwLock<Map>,
    tiles: RwLock<Vec<Mutex<Tile>>>,
    scratch: Vec<Mutex<Scratch>>,
    clouds: Texture,
    tone: Tone,
}

/// Draws scenes on a fixed set of threads. After the first frames of a given size it allocates nothing, except when a
/// view shows more triangles than any before.
///
/// With the feature `gpu`, [`Renderer::on_gpu`] makes one that has a graphics processor draw instead. That one promises the
/// same pictures within a tolerance, not the same bytes.
pub struct Renderer {
    backend: Backend,
    settings: Settings,
}

enum Backend {
    Cpu(Cpu),
    #[cfg(feature = "gpu")]
    Gpu(Box<crate::gpu::GpuRenderer>),
}

struct Cpu {
    pool: Pool<FrameJob>,
    /// The shadow map that the bands hold.
    shadow: Option<ShadowView>,
}

macro_rules! locked {
    ($lock:expr) => {
        $lock.unwrap_or_else(PoisonError::into_inner)
    };
}

impl Renderer {
    /// `threads` counts the calling thread; 0 takes as many as the machine has cores. The picture does not depend on it.
    /// Errors: PG-0908.
    pub fn new(threads: usize) -> Result<Self> {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = if threads == 0 { cores() } else { threads }.min(256);
        let scratch = || {
            let planes = SAMPLES.iter().map(|_| Plane::new()).collect();
            Mutex::new(Scratch { planes, palette: Palette::new() })
        };
        let job = FrameJob {
            input: RwLock::new(Input {
                phase: Phase::Shadow,
                view: None,
                scene: None,
                clusters: Clusters::default(),
                visible: Vec::new(),
                ends: [0; CHUNKS],
            }),
            next: AtomicUsize::new(0),
            chunks: from_fn(|_| RwLock::default()),
            bands: from_fn(|_| RwLock::default()),
            shadow: RwLock::default(),
            tiles: RwLock::default(),
            scratch: (0..threads).map(|_| scratch()).collect(),
            clouds: cloud_texture(),
            tone: Tone::new(0.62),
        };
        let backend = Backend::Cpu(Cpu { pool: Pool::new(threads, job)?, shadow: None });
        Ok(Self { backend, settings: Settings::default() })
    }

    /// A renderer that has a graphics processor draw, through Vulkan. The bytes of its pictures depend on processor and
    /// driver; edges are not smoothed. Errors: PG-0911 without the feature `gpu`, PG-0912 without a usable processor,
    /// PG-0913.
    pub fn on_gpu() -> Result<Self> {
        #[cfg(feature = "gpu")]
        {
            let backend = Backend::Gpu(Box::new(crate::gpu::GpuRenderer::open()?));
            Ok(Self { backend, settings: Settings::default() })
        }
        #[cfg(not(feature = "gpu"))]
        Err(RenderError::GpuNotBuilt)
    }

    /// Who draws: `cpu`, or the graphics processor's name and driver.
    pub fn device(&self) -> &str {
        match &self.backend {
            Backend::Cpu(_) => "cpu",
            #[cfg(feature = "gpu")]
            Backend::Gpu(gpu) => gpu.name(),
        }
    }

    /// The settings in force.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Changes the settings from the next frame on. Errors: PG-0910.
    pub fn set_settings(&mut self, settings: Settings) -> Result {
        let fail = |field, value, expected| Err(RenderError::InvalidParameter { field, value, expected });
        let s = &settings.shadow;
        if !(64..=8192).contains(&s.resolution) || !s.resolution.is_power_of_two() {
            let expected = "a power of two between 64 and 8192";
            return fail("ShadowSettings::resolution", f64::from(s.resolution), expected);
        }
        if !(0.5..=5000.0).contains(&s.radius_m) {
            return fail("ShadowSettings::radius_m", s.radius_m, "between 0.5 and 5000 m");
        }
        self.settings = settings;
        Ok(())
    }

    /// Draws `scene` as seen by `camera` at `pose`: the optical frame (x right, y down, z forward) in the world (ENU).
    /// Errors: PG-0901 camera, PG-0902 pose, PG-0903 target size, PG-0907 no target, PG-0909 a worker panicked.
    pub fn render(
        &mut self,
        scene: &Scene,
        camera: &Camera,
        pose: &Isometry3<f64>,
        targets: Targets<'_>,
    ) -> Result {
        camera.validate()?;
        check_pose(pose, "the camera")?;
        check_targets(camera, &targets)?;
        let mut view = View::new(&scene.data, camera, pose);
        view.rgb = targets.rgb.is_some();
        view.depth = targets.depth.is_some();
        view.object = targets.object.is_some();
        view.antialias = view.rgb && self.settings.antialias;
        if view.rgb && self.settings.shadow.enabled {
            view.shadow = Some(ShadowView::new(&self.settings.shadow, &scene.data, view.to_sun, pose));
        }
        match &mut self.backend {
            Backend::Cpu(cpu) => cpu.render(scene, view, targets),
            #[cfg(feature = "gpu")]
            Backend::Gpu(gpu) => gpu.render(&scene.data, &view, targets),
        }
    }
}

impl Cpu {
    fn render(&mut self, scene: &Scene, view: View, targets: Targets<'_>) -> Result {
        let (wanted, camera) = (view.shadow, view.camera);
        let tiles = view.tiles[0] * view.tiles[1];
        {
            let job = self.pool.job();
            let mut input = locked!(job.input.write());
            input.scene = Some(Arc::clone(&scene.data));
            cull(&mut input, &scene.data, &view);
            input.view = Some(view);
            let mut all = locked!(job.tiles.write());
            while all.len() < tiles {
                all.push(Mutex::default());
            }
        }
        let outcome = self.draw(&scene.data, wanted);
        // Workers are out of the job, so the scene can be given back before the caller changes it again.
        locked!(self.pool.job().input.write()).scene = None;
        outcome?;
        self.collect(&camera, targets);
        Ok(())
    }

    fn draw(&mut self, scene: &SceneData, wanted: Option<ShadowView>) -> Result {
        if let Some(wanted) = wanted {
            if !self.shadow.is_some_and(|have| have.same_map(&wanted)) {
                self.shadow = None;
                self.share(Phase::Shadow)?;
                let job = self.pool.job();
                locked!(job.shadow.write()).join(job.bands.iter());
                self.shadow = Some(wanted);
            }
            let job = self.pool.job();
            locked!(job.shadow.write()).overlay(&wanted, scene, &job.bands);
        }
        self.share(Phase::Geometry)?;
        self.share(Phase::Tiles)
    }

    fn share(&self, phase: Phase) -> Result {
        let job = self.pool.job();
        locked!(job.input.write()).phase = phase;
        job.next.store(0, Ordering::Relaxed);
        self.pool.run()
    }

    /// Copies the tiles to the targets.
    fn collect(&self, camera: &Camera, mut targets: Targets<'_>) {
        let (width, height) = (camera.width as usize, camera.height as usize);
        let tiles = locked!(self.pool.job().tiles.read());
        let across = width.div_ceil(TILE);
        for (index, tile) in tiles.iter().enumerate().take(across * height.div_ceil(TILE)) {
            let tile = locked!(tile.lock());
            let (x, y) = (index % across * TILE, index / across * TILE);
            let columns = TILE.min(width - x);
            for row in 0..TILE.min(height - y) {
                let (to, from) = ((y + row) * width + x, row * TILE);
                if let Some(rgb) = &mut targets.rgb {
                    rgb[to * 3..(to + columns) * 3]
                        .copy_from_slice(&tile.rgb[from * 3..(from + columns) * 3]);
                }
                if let Some(depth) = &mut targets.depth {
                    depth[to..to + columns].copy_from_slice(&tile.depth[from..from + columns]);
                }
                if let Some(object) = &mut targets.object {
                    object[to..to + columns].copy_from_slice(&tile.object[from..from + columns]);
                }
            }
        }
    }
}

fn check_targets(camera: &Camera, targets: &Targets<'_>) -> Result {
    let pixels = camera.width as usize * camera.height as usize;
    let given = [
        ("rgb", targets.rgb.as_ref().map(|t| t.len()), pixels * 3, " * 3"),
        ("depth", targets.depth.as_ref().map(|t| t.len()), pixels, ""),
        ("object", targets.object.as_ref().map(|t| t.len()), pixels, ""),
    ];
    if given.iter().all(|g| g.1.is_none()) {
        return Err(RenderError::NoTarget);
    }
    for (target, got, expected, per_pixel) in given {
        if let Some(got) = got.filter(|&got| got != expected) {
            let (width, height) = (camera.width, camera.height);
            return Err(RenderError::TargetSize { target, got, expected, width, height, per_pixel });
        }
    }
    Ok(())
}

/// About how much work an instance is whose centre is at `p` in the camera's frame.
fn load(scene: &SceneData, placed: &Placed, p: &Point3<f64>) -> usize {
    8 + scene.meshes[scene.mesh_at(placed, p.coords.norm()).0 as usize].triangles.len()
}

/// Lists what may be in view and cuts the list into shares of about equal triangle counts.
fn cull(input: &mut Input, scene: &SceneData, view: &View) {
    input.clusters.visible(scene, view, &mut input.visible);
    let weigh = |index: u32| {
        let placed = &scene.placed[index as usize];
        load(scene, placed, &(view.cam_from_world * placed.centre))
    };
    let weight: usize = input.visible.iter().map(|&(_, index)| weigh(index)).sum();
    let share = weight / CHUNKS + 1;
    let (mut chunk, mut sum) = (0, 0);
    input.ends = [input.visible.len(); CHUNKS];
    for (i, &(_, index)) in input.visible.iter().enumerate() {
        sum += weigh(index);
        while chunk < CHUNKS - 1 && sum >= share * (chunk + 1) {
            input.ends[chunk] = i + 1;
            chunk += 1;
        }
    }
}

impl Job for FrameJob {
    fn work(&self) {
        let input = locked!(self.input.read());
        let (Some(view), Some(scene)) = (&input.view, &input.scene) else { return };
        let take = || self.next.fetch_add(1, Ordering::Relaxed);
        match input.phase {
            Phase::Shadow => {
                let Some(shadow) = &view.shadow else { return };
                while let Some(band) = Some(take()).filter(|&b| b < BANDS) {
                    locked!(self.bands[band].write()).draw(shadow, scene, band);
                }
            }
            Phase::Geometry => {
                while let Some(k) = Some(take()).filter(|&k| k < CHUNKS) {
                    let mut chunk = locked!(self.chunks[k].write());
                    chunk.clear(view.tiles[0] * view.tiles[1]);
                    let first = if k == 0 { 0 } else { input.ends[k - 1] };
                    for &(_, index) in &input.visible[first..input.ends[k].max(first)] {
                        chunk.add(view, scene, index);
                    }
                }
            }
            Phase::Tiles => self.tiles(view, scene, &take),
        }
    }
}

impl FrameJob {
    fn tiles(&self, view: &View, scene: &SceneData, take: &impl Fn() -> usize) {
        let Some(mut scratch) = self.scratch.iter().find_map(|s| s.try_lock().ok()) else { return };
        let guards: [_; CHUNKS] = from_fn(|k| locked!(self.chunks[k].read()));
        let chunks: [&Chunk; CHUNKS] = from_fn(|k| &*guards[k]);
        let shadow = locked!(self.shadow.read());
        let tiles = locked!(self.tiles.read());
        let (clouds, tone) = (&self.clouds, &self.tone);
        let shader = Shader { view, scene, chunks: &chunks, shadow: &shadow, tone, clouds };
        let mut runs = Runs::new();
        let centre = view.depth || view.object || !view.antialias;
        while let Some(index) = Some(take()).filter(|&t| t < view.tiles[0] * view.tiles[1]) {
            let corner = [index % view.tiles[0] * TILE, index / view.tiles[0] * TILE];
            let mut tile = locked!(tiles[index].lock());
            let Scratch { planes, palette } = &mut *scratch;
            let first = usize::from(!centre);
            let last = if view.antialias { SAMPLES.len() } else { 1 };
            planes[first..last].iter_mut().for_each(|p| p.clear((1.0 / view.camera.far_m) as f32));
            let spot = Spot { scene, corner: corner.map(|c| c as i32), first };
            for (k, chunk) in chunks.iter().enumerate() {
                for &tri in &chunk.bins[index] {
                    spot.draw(&mut planes[first..last], chunk, tri, ((k as u32) << CHUNK_SHIFT) | tri);
                }
            }
            if view.depth {
                tile.depth.resize(TILE * TILE, 0.0);
                planes[0].depths(&mut tile.depth);
            }
            if view.object {
                tile.object.clear();
                for &id in planes[0].id.as_flattened() {
                    let chunk = &chunks[(id >> CHUNK_SHIFT) as usize % CHUNKS];
                    let tri = (id & ((1 << CHUNK_SHIFT) - 1)) as usize;
                    let object = |t: &crate::geometry::Tri| chunk.owners[t.owner as usize].object;
                    tile.object.push(if id == NONE { 0 } else { chunk.tris.get(tri).map_or(0, object) });
                }
            }
            if view.rgb {
                tile.rgb.resize(TILE * TILE * 3, 0);
                shade::tile(&shader, planes, corner, palette, &mut runs, &mut tile.rgb);
            }
        }
    }
}
