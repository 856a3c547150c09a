//! `<sensor>` into a [`SensorSpec`].

use nalgebra::Isometry3;

use super::frames::RawPose;
use super::parse::Parser;
use super::types::Plugin;
use super::value::Source;
use super::xml::Element;
use crate::error::Result;
use crate::sensors::spec::{
    AirPressureSpec, AltimeterSpec, BoxKind, CameraSpec, Distortion, ImuSpec, LidarSpec, NavSatSpec,
    NoiseSpec, OrientationReference, PixelFormat, ScanAxis, SensorKind, SensorSpec,
};

/// A sensor with its pose as written.
#[derive(Debug, Clone)]
pub(super) struct RawSensor {
    pub spec: SensorSpec,
    pub pose: RawPose,
    pub plugins: Vec<Plugin>,
}

impl Parser<'_> {
    /// Every sensor of `owner` that is simulated; the others stay unmarked for the report.
    pub(super) fn sensors(&mut self, src: &Source, owner: &Element) -> Result<Vec<RawSensor>> {
        let mut out = Vec::new();
        for e in owner.all().iter().filter(|c| c.name() == "sensor") {
            let name = src.name(e)?;
            let kind =
                e.attr("type").map(str::trim).ok_or_else(|| src.missing(e, "the attribute type=\"...\""))?;
            let Some(kind) = kind_of(src, e, kind)? else { continue };
            e.mark();
            let text = |tag: &str| e.child(tag).map(|c| c.text().to_string()).filter(|t| !t.is_empty());
            let frame = ["gz_frame_id", "ignition_frame_id", "frame_id"].into_iter().find_map(text);
            // Gazebo's contact sensors have their topic inside of <contact>; the word is libsdformat's for none.
            let inside = e.child("contact").and_then(|c| c.child("topic")).map(|c| c.text().to_string());
            let inside = inside.filter(|t| !t.is_empty() && t != "__default_topic__");
            let (topic, rate) = (inside.or(text("topic")), src.number_or(e, "update_rate", 0.0)?.max(0.0));
            for quiet in ["always_on", "visualize", "enable_metrics"] {
                e.child(quiet).into_iter().for_each(Element::mark_all);
            }
            let pose = Isometry3::identity();
            let spec = SensorSpec { name, topic, frame_id: frame, update_rate: rate, pose, kind };
            out.push(RawSensor { spec, pose: self.pose(src, e)?, plugins: self.plugins(src, e)? });
        }
        Ok(out)
    }
}

fn kind_of(src: &Source, e: &Element, kind: &str) -> Result<Option<SensorKind>> {
    Ok(Some(match kind {
        "camera" => SensorKind::Camera(camera(src, e)?),
        "depth" | "depth_camera" => SensorKind::Depth(camera(src, e)?),
        "rgbd" | "rgbd_camera" => SensorKind::Rgbd(camera(src, e)?),
        "segmentation" | "segmentation_camera" => SensorKind::Segmentation(camera(src, e)?),
        "boundingbox" | "boundingbox_camera" => SensorKind::BoundingBox(camera(src, e)?),
        "lidar" | "gpu_lidar" | "ray" | "gpu_ray" => SensorKind::Lidar(lidar(src, e)?),
        "imu" => SensorKind::Imu(imu(src, e)?),
        "navsat" | "gps" => SensorKind::NavSat(navsat(src, e)?),
        "air_pressure" => {
            let mut out = AirPressureSpec::default();
            if let Some(p) = e.child("air_pressure") {
                out.reference_altitude = src.number_or(p, "reference_altitude", 0.0)?;
                out.pressure = below(src, p, "pressure")?;
            }
            SensorKind::AirPressure(out)
        }
        "magnetometer" => SensorKind::Magnetometer(match e.child("magnetometer") {
            Some(m) => axes(src, m)?,
            None => Default::default(),
        }),
        "altimeter" => {
            let mut out = AltimeterSpec::default();
            if let Some(a) = e.child("altimeter") {
                out.vertical_position = below(src, a, "vertical_position")?;
                out.vertical_velocity = below(src, a, "vertical_velocity")?;
            }
            SensorKind::Altimeter(out)
        }
        "contact" => {
            let contact = e.child("contact");
            if let Some(c) = contact {
                c.children("topic").for_each(Element::mark);
            }
            let collision = contact.and_then(|c| c.child("collision")).map(Element::text).unwrap_or_default();
            SensorKind::Contact { collision: collision.to_string() }
        }
        _ => return Ok(None),
    }))
}

fn camera(src: &Source, e: &Element) -> Result<CameraSpec> {
    let mut out = CameraSpec::default();
    let Some(c) = e.child("camera") else { return Ok(out) };
    out.hfov = src.number_or(c, "horizontal_fov", out.hfov)?;
    if let Some(image) = c.child("image") {
        out.width = src.whole(image, "width", out.width, 1)?;
        out.height = src.whole(image, "height", out.height, 1)?;
        if let Some(format) = image.child("format") {
            out.format = pixel_format(src, format);
        }
    }
    let mut clip = |parent: &Element| -> Result<()> {
        if let Some(clip) = parent.child("clip") {
            out.near = src.number_or(clip, "near", out.near)?;
            out.far = src.number_or(clip, "far", out.far)?;
        }
        Ok(())
    };
    clip(c)?;
    if let Some(depth) = c.child("depth_camera") {
        depth.child("output").into_iter().for_each(Element::mark);
        clip(depth)?;
    }
    if let Some(lens) = c.child("lens")
        && let Some(k) = lens.child("intrinsics")
    {
        let fallback = CameraSpec::default();
        out.intrinsics = Some([
            src.number_or(k, "fx", 277.0)?,
            src.number_or(k, "fy", 277.0)?,
            src.number_or(k, "cx", f64::from(fallback.width) / 2.0)?,
            src.number_or(k, "cy", f64::from(fallback.height) / 2.0)?,
        ]);
        k.child("s").into_iter().for_each(Element::mark);
    }
    if let Some(d) = c.child("distortion") {
        let number = |tag| src.number_or(d, tag, 0.0);
        let (k, p) = ([number("k1")?, number("k2")?, number("k3")?], [number("p1")?, number("p2")?]);
        d.child("center").into_iter().for_each(Element::mark);
        out.distortion = Distortion { k, p };
    }
    out.noise = noise(src, c)?;
    let word = |tag: &str| c.child(tag).map_or("", Element::text);
    match word("segmentation_type") {
        "" | "semantic" => {}
        "instance" | "panoptic" => out.instances = true,
        other => src.note(c, &format!("asks for the segmentation_type \"{other}\", labels are semantic")),
    }
    match word("box_type") {
        "" | "2d" | "visible_2d" => {}
        "full_2d" => out.boxes = BoxKind::Full,
        "3d" => out.boxes = BoxKind::Oriented,
        other => src.note(c, &format!("asks for the box_type \"{other}\", boxes are visible_2d")),
    }
    // Pictures are not written to files: who asks for that is told by the report.
    let quiet = c.all().iter().filter(|s| s.name() == "save" && s.attr("enabled") != Some("true"));
    quiet.for_each(Element::mark_all);
    see_all(c);
    Ok(out)
}

fn pixel_format(src: &Source, e: &Element) -> PixelFormat {
    match e.text().to_ascii_uppercase().as_str() {
        "R8G8B8" | "RGB_INT8" | "RGB8" | "" => PixelFormat::Rgb8,
        "B8G8R8" | "BGR_INT8" | "BGR8" => PixelFormat::Bgr8,
        "L8" | "L_INT8" => PixelFormat::L8,
        // Depth cameras say so, and draw depths whatever they say.
        "R_FLOAT32" | "FLOAT32" => PixelFormat::Rgb8,
        other => {
            src.note(e, &format!("asks for \"{other}\", R8G8B8 is drawn"));
            PixelFormat::Rgb8
        }
    }
}

fn lidar(src: &Source, e: &Element) -> Result<LidarSpec> {
    let mut out = LidarSpec::default();
    let Some(l) = e.child("lidar").or_else(|| e.child("ray")) else {
        src.note(
            e,
            &format!(
                "lacks <lidar>: one row of {} rays straight ahead, {} m",
                out.horizontal.samples, out.max_range
            ),
        );
        return Ok(out);
    };
    if let Some(scan) = l.child("scan") {
        for (tag, axis) in [("horizontal", &mut out.horizontal), ("vertical", &mut out.vertical)] {
            let Some(s) = scan.child(tag) else { continue };
            *axis = ScanAxis {
                samples: src.whole(s, "samples", axis.samples, 0)?.max(1),
                resolution: src.number_or(s, "resolution", 1.0)?,
                min_angle: src.number_or(s, "min_angle", 0.0)?,
                max_angle: src.number_or(s, "max_angle", 0.0)?,
            };
        }
    }
    let range = l.child("range");
    if range.is_none_or(|r| r.child("max").is_none()) {
        // The specification's 0 would let it see nothing.
        src.note(l, &format!("lacks <range><max>, {} m is used", out.max_range));
    }
    if let Some(range) = range {
        out.min_range = src.number_or(range, "min", 0.0)?;
        out.max_range = src.number_or(range, "max", out.max_range)?;
        out.resolution = src.number_or(range, "resolution", 0.0)?;
    }
    out.noise = noise(src, l)?;
    see_all(l);
    bound(src, l, &mut out);
    Ok(out)
}

/// A mask that hides nothing is fulfilled; another stays unread, so that the report names it.
fn see_all(e: &Element) {
    let all = ["", "4294967295", "0xFFFFFFFF", "0xffffffff"];
    let whole = |m: &&Element| m.name() == "visibility_mask" && all.contains(&m.text());
    e.all().iter().filter(whole).for_each(Element::mark);
}

/// The most rays that one lidar may have; the densest that are sold have some 300,000 a turn.
const MOST_RAYS: f64 = 4e6;

/// Repairs what no lidar can be, with a note.
fn bound(src: &Source, l: &Element, out: &mut LidarSpec) {
    for axis in [&mut out.horizontal, &mut out.vertical] {
        if !(axis.resolution > 0.0 && axis.resolution <= 100.0) {
            src.note(
                l,
                &format!("has a <resolution> of {}, 1 is used (from above 0 to 100)", axis.resolution),
            );
            axis.resolution = 1.0;
        }
    }
    let rays = |axis: &ScanAxis| (f64::from(axis.samples) * axis.resolution).max(1.0);
    let all = rays(&out.horizontal) * rays(&out.vertical);
    if all > MOST_RAYS {
        src.note(
            l,
            &format!("has {all:e} rays, one is shot (at most {MOST_RAYS:e}); ask for fewer <samples>"),
        );
        (out.horizontal.samples, out.vertical.samples) = (1, 1);
        (out.horizontal.resolution, out.vertical.resolution) = (1.0, 1.0);
    }
    out.min_range = out.min_range.max(0.0);
    if out.max_range < out.min_range {
        src.note(
            l,
            &format!("has a range from {} to {} m, which sees nothing", out.min_range, out.max_range),
        );
        out.max_range = out.min_range;
    }
}

fn imu(src: &Source, e: &Element) -> Result<ImuSpec> {
    let mut out = ImuSpec::default();
    let Some(i) = e.child("imu") else { return Ok(out) };
    if let Some(v) = i.child("angular_velocity") {
        out.angular_velocity = axes(src, v)?;
    }
    if let Some(a) = i.child("linear_acceleration") {
        out.linear_acceleration = axes(src, a)?;
    }
    // Before 1.6 one noise stood for all axes.
    if let Some(n) = i.child("noise") {
        n.child("type").into_iter().for_each(Element::mark);
        for (tag, all) in [("rate", &mut out.angular_velocity), ("accel", &mut out.linear_acceleration)] {
            if let Some(part) = n.child(tag) {
                *all = [numbers(src, part)?; 3];
            }
        }
    }
    if let Some(frame) = i.child("orientation_reference_frame") {
        frame.mark_all();
        let localization = frame.child("localization");
        out.reference = match localization.map_or("CUSTOM", Element::text) {
            "ENU" => OrientationReference::Enu,
            "NED" => OrientationReference::Ned,
            "NWU" => OrientationReference::Nwu,
            // Gazebo puts the first attitude in the place of what <custom_rpy> asks for.
            "CUSTOM" | "" => OrientationReference::Start,
            other => {
                src.note(frame, &format!("asks for \"{other}\", attitudes are told against the first one"));
                OrientationReference::Start
            }
        };
    }
    if !src.flag(i, "enable_orientation", true)? {
        src.note(i, "asks for no orientation, which is told all the same");
    }
    i.child("topic").into_iter().for_each(Element::mark_all);
    Ok(out)
}

fn navsat(src: &Source, e: &Element) -> Result<NavSatSpec> {
    let mut out = NavSatSpec::default();
    let Some(n) = e.child("navsat").or_else(|| e.child("gps")) else { return Ok(out) };
    if let Some(p) = n.child("position_sensing") {
        out.horizontal_position = below(src, p, "horizontal")?;
        out.vertical_position = below(src, p, "vertical")?;
    }
    if let Some(v) = n.child("velocity_sensing") {
        out.horizontal_velocity = below(src, v, "horizontal")?;
        out.vertical_velocity = below(src, v, "vertical")?;
    }
    Ok(out)
}

fn axes(src: &Source, e: &Element) -> Result<[NoiseSpec; 3]> {
    Ok([below(src, e, "x")?, below(src, e, "y")?, below(src, e, "z")?])
}

/// The noise inside the child of that name.
fn below(src: &Source, e: &Element, child: &str) -> Result<NoiseSpec> {
    e.child(child).map_or(Ok(NoiseSpec::default()), |c| noise(src, c))
}

fn noise(src: &Source, e: &Element) -> Result<NoiseSpec> {
    let Some(n) = e.child("noise") else { return Ok(NoiseSpec::default()) };
    // Cameras and lidars name the type in an element, the others in an attribute.
    let kind = n.child("type").map(Element::text).or(n.attr("type")).unwrap_or("gaussian").trim();
    let out = numbers(src, n)?;
    match kind {
        "none" => Ok(NoiseSpec::default()),
        "gaussian" | "" => Ok(NoiseSpec { precision: 0.0, ..out }),
        "gaussian_quantized" => Ok(out),
        other => {
            src.note(n, &format!("has the unknown type \"{other}\", no noise is added"));
            Ok(NoiseSpec::default())
        }
    }
}

fn numbers(src: &Source, n: &Element) -> Result<NoiseSpec> {
    let number = |tag| src.number_or(n, tag, 0.0);
    Ok(NoiseSpec {
        mean: number("mean")?,
        stddev: number("stddev")?.max(0.0),
        bias_mean: number("bias_mean")?,
        bias_stddev: number("bias_stddev")?.max(0.0),
        dynamic_bias_stddev: number("dynamic_bias_stddev")?.max(0.0),
        dynamic_bias_correlation_time: number("dynamic_bias_correlation_time")?.max(0.0),
        precision: number("precision")?.max(0.0),
    })
}
