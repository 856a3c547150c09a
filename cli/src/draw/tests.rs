use super::*;

const RED: [u8; 3] = [200, 0, 0];

fn picture() -> RgbImage {
    RgbImage::new(64, 48)
}

fn label(x: f32, y: f32, width: f32, height: f32, text: &str) -> BoxLabel {
    BoxLabel { x, y, width, height, text: text.into(), colour: RED }
}

fn painted(picture: &RgbImage) -> Vec<(u32, u32)> {
    picture.enumerate_pixels().filter(|(_, _, pixel)| pixel.0 == RED).map(|(x, y, _)| (x, y)).collect()
}

#[test]
fn the_edges_are_painted_and_nothing_else() {
    let mut picture = picture();
    draw_boxes(&mut picture, &[label(10.0, 8.0, 20.0, 16.0, "")]);
    for (x, y) in [(10, 8), (29, 8), (10, 23), (29, 23), (11, 9), (28, 22), (20, 8), (10, 15)] {
        assert_eq!(picture.get_pixel(x, y).0, RED, "{x} {y}");
    }
    for (x, y) in [(9, 8), (10, 7), (30, 8), (29, 24), (12, 10), (27, 21), (20, 15)] {
        assert_eq!(picture.get_pixel(x, y).0, [0; 3], "{x} {y}");
    }
    assert_eq!(painted(&picture).len(), 2 * (20 + 20) + 2 * 2 * 12);
}

#[test]
fn a_box_beyond_the_border_is_held_inside() {
    let mut picture = picture();
    draw_boxes(&mut picture, &[label(-100.0, -50.0, 1000.0, 1000.0, "")]);
    for (x, y) in [(0, 0), (63, 0), (0, 47), (63, 47)] {
        assert_eq!(picture.get_pixel(x, y).0, RED);
    }
    assert_eq!(picture.get_pixel(32, 24).0, [0; 3]);
}

#[test]
fn what_is_no_box_paints_nothing_and_never_panics() {
    let odd =
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, -1.0, 0.0, 0.4, 63.0, 64.0, 1e20];
    for x in odd {
        for y in odd {
            for width in odd {
                for height in odd {
                    let mut picture = picture();
                    draw_boxes(
                        &mut picture,
                        &[label(x, y, width, height, "a label, far too long for the picture")],
                    );
                    if [x, y, width, height].iter().any(|value| value.is_nan()) {
                        assert!(painted(&picture).is_empty());
                    }
                }
            }
        }
    }
    for (width, height) in [(0, 0), (0, 5), (1, 1), (3, 2), (20, 4)] {
        draw_boxes(&mut RgbImage::new(width, height), &[label(0.0, 0.0, 9.0, 9.0, "cat")]);
    }
    let mut picture = picture();
    draw_boxes(&mut picture, &[label(64.0, 0.0, 5.0, 5.0, "out"), label(0.0, -9.0, 5.0, 5.0, "out")]);
    assert!(painted(&picture).is_empty());
}

#[test]
fn labels_stand_above_the_box_or_inside_it_and_stay_in_the_picture() {
    let mut above = picture();
    draw_boxes(&mut above, &[label(10.0, 20.0, 20.0, 20.0, "cat")]);
    // Ground: 10 rows above the box; ink: the c starts two pixels in.
    assert_eq!(above.get_pixel(10, 10).0, RED);
    assert_eq!(above.get_pixel(10, 9).0, [0; 3]);
    assert!(above.pixels().any(|pixel| pixel.0 == [255; 3]));
    let mut inside = picture();
    draw_boxes(&mut inside, &[label(50.0, 0.0, 14.0, 40.0, "cat")]);
    let first = painted(&inside).iter().map(|(x, _)| *x).min();
    assert_eq!(first, Some(64 - (3 * 6 - 1 + 4)));
}

#[test]
fn a_label_that_would_cover_another_goes_below_its_box_or_beside_it() {
    let of = |x: f32, colour: [u8; 3], text: &str| BoxLabel { colour, ..label(x, 40.0, 20.0, 20.0, text) };
    let (first, second) = ([200, 0, 0], [0, 200, 0]);
    let mut picture = RgbImage::new(120, 100);
    draw_boxes(&mut picture, &[of(20.0, first, "first"), of(30.0, second, "second")]);
    // Above its box; and below its own, where it is whole.
    let ground = |picture: &RgbImage, (x, y): (u32, u32), text: &str, colour: [u8; 3]| {
        let wide = text.len() as u32 * 6 - 1 + 4;
        let edges = [(x, y), (x + wide - 1, y), (x, y + 9), (x + wide - 1, y + 9)];
        edges.iter().all(|(x, y)| picture.get_pixel(*x, *y).0 == colour)
    };
    assert!(ground(&picture, (20, 30), "first", first));
    assert!(ground(&picture, (30, 60), "second", second));
    assert_eq!(picture.get_pixel(54, 33).0, [0; 3], "nothing of the second stands above");

    // A third at the same place finds the one beside the box free; alone, each stands where it always did.
    let third = [0, 0, 200];
    let mut picture = RgbImage::new(160, 100);
    draw_boxes(&mut picture, &[of(20.0, first, "a"), of(20.0, second, "b"), of(20.0, third, "c")]);
    assert!(ground(&picture, (20, 30), "a", first) && ground(&picture, (20, 60), "b", second));
    assert!(ground(&picture, (40, 40), "c", third));
}

#[test]
fn the_first_box_is_on_top() {
    let mut picture = picture();
    let green = BoxLabel { colour: [0, 200, 0], ..label(10.0, 8.0, 20.0, 16.0, "") };
    draw_boxes(&mut picture, &[green, label(10.0, 8.0, 20.0, 16.0, "")]);
    assert!(painted(&picture).is_empty());
}

#[test]
fn colours_are_stable_and_differ() {
    assert_eq!(name_colour("stop sign"), name_colour("stop sign"));
    assert_ne!(class_colour(0), class_colour(1));
    assert_eq!(class_colour(u32::MAX), class_colour(u32::MAX % 12));
}

#[test]
fn the_ending_decides_the_format() {
    let directory = tempfile::tempdir().unwrap();
    let mut picture = picture();
    draw_boxes(&mut picture, &[label(10.0, 8.0, 20.0, 16.0, "cat 0.9")]);
    let png = directory.path().join("a.PNG");
    save(&picture, &png).unwrap();
    assert_eq!(image::load_from_memory(&std::fs::read(&png).unwrap()).unwrap().to_rgb8(), picture);
    let jpeg = directory.path().join("a.jpeg");
    save(&picture, &jpeg).unwrap();
    assert_eq!(std::fs::read(&jpeg).unwrap()[..3], [0xFF, 0xD8, 0xFF]);
    assert_eq!(encode_jpeg(&picture, 0).unwrap()[..2], [0xFF, 0xD8]);
    assert!(save(&picture, Path::new("a.bmp")).unwrap_err().to_string().starts_with("PG-1341"));
    let missing = save(&picture, &directory.path().join("no/a.png")).unwrap_err().to_string();
    assert!(missing.starts_with("PG-1342"), "{missing}");
    if Path::new("/dev/full").exists() {
        let link = directory.path().join("full.png");
        #[cfg(unix)]
        std::os::unix::fs::symlink("/dev/full", &link).unwrap();
        assert!(save(&picture, &link).unwrap_err().to_string().starts_with("PG-1342"));
    }
}
