//! Material libraries of OBJ files.

use std::collections::BTreeMap;

/// Colour (RGBA, 0 to 1) and texture of each material.
pub fn read_mtl(text: &str) -> BTreeMap<String, (Option<[f32; 4]>, Option<String>)> {
    let mut out: BTreeMap<String, (Option<[f32; 4]>, Option<String>)> = BTreeMap::new();
    let mut name = String::new();
    let mut alpha = 1.0;
    for line in text.lines() {
        let Some((key, rest)) = line.trim().split_once(char::is_whitespace) else { continue };
        let rest = rest.trim();
        if key == "newmtl" {
            name = rest.to_string();
            alpha = 1.0;
            out.entry(name.clone()).or_default();
            continue;
        }
        let Some(material) = out.get_mut(&name) else { continue };
        match key {
            "Kd" => {
                let mut rgb =
                    rest.split_whitespace().filter_map(|w| w.parse::<f32>().ok()).filter(|x| x.is_finite());
                if let (Some(r), Some(g), Some(b)) = (rgb.next(), rgb.next(), rgb.next()) {
                    material.0 = Some([r, g, b, alpha].map(|x: f32| x.clamp(0.0, 1.0)));
                }
            }
            "d" => {
                alpha = rest.parse::<f32>().ok().filter(|x| x.is_finite()).unwrap_or(1.0).clamp(0.0, 1.0);
                if let Some(colour) = &mut material.0 {
                    colour[3] = alpha;
                }
            }
            // Options stand before the name; names with blanks and options together are beyond what exporters write.
            "map_Kd" => {
                let file =
                    if rest.starts_with('-') { rest.split_whitespace().last().unwrap_or("") } else { rest };
                material.1 = Some(file.replace('\\', "/")).filter(|f| !f.is_empty());
            }
            _ => {}
        }
    }
    out
}
