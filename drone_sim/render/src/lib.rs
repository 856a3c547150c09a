//! A seeded, deterministic CPU rasteriser for colour, depth and labels
