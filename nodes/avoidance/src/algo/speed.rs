//! How fast one may fly toward what one can see.

/// Top speed (m/s) from which the vehicle still stops within `free` metres.
///
/// Solves `v * tau + v^2 / (2 a) = free - keep_off`, the stopping distance with reaction time `tau` (s) and
/// deceleration `a` (m/s^2): `v = -a tau + sqrt(a^2 tau^2 + 2 a (free - keep_off))`. `free` counts to the surface of
/// the nearest thing that is not known to be free, `keep_off` (m) is the part of it that must stay unused: body
/// radius and margin. Zero when nothing is left.
#[must_use]
pub fn stopping_speed(deceleration: f64, reaction: f64, free: f64, keep_off: f64) -> f64 {
    let room = free - keep_off;
    if !(room > 0.0 && deceleration > 0.0) {
        return 0.0;
    }
    let at = deceleration * reaction;
    (at * at + 2.0 * deceleration * room).sqrt() - at
}

/// Metres needed to stop from `speed` (m/s): the inverse of [`stopping_speed`] without the part to keep off.
#[must_use]
pub fn stopping_distance(deceleration: f64, reaction: f64, speed: f64) -> f64 {
    speed * reaction + speed * speed / (2.0 * deceleration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_holds() {
        assert!((stopping_speed(6.0, 0.15, 8.0, 0.7) - 8.5).abs() < 0.05);
    }

    #[test]
    fn speed_and_distance_are_inverse_to_each_other() {
        for free in [0.8, 1.5, 4.0, 9.0] {
            let v = stopping_speed(4.0, 0.3, free, 0.7);
            assert!((stopping_distance(4.0, 0.3, v) - (free - 0.7)).abs() < 1e-9);
        }
    }

    #[test]
    fn no_room_or_no_number_means_no_speed() {
        assert_eq!(stopping_speed(4.0, 0.3, 0.7, 0.7), 0.0);
        assert_eq!(stopping_speed(4.0, 0.3, f64::NAN, 0.7), 0.0);
    }
}
