//! How well a detector does: labelled photos in, COCO's average precision out.
//!
//! Three nouns: a [`Dataset`] is photos with true boxes, read from COCO JSON or YOLO label files. [`evaluate`] runs a
//! detector over it. [`Scores`] is what came of it: average precision as pycocotools computes it (to 1e-4, a test),
//! overall, by size and by class.

mod dataset;
mod evaluate;
mod interval;
mod photo;
mod reference;
mod score;
mod weakness;

pub use dataset::{Dataset, Item, TrueBox};
pub use evaluate::{Agreement, Evaluation, PhotoResult, SCORE_THRESHOLD, agreement, evaluate};
pub use interval::{Interval, drop_interval};
pub use photo::Photo;
pub use reference::reference;
pub use score::{Area, ClassScore, Found, Scores, Truth, iou, score};
pub use weakness::{Group, Weakness, weakness};
