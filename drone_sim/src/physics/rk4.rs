//! The classical Runge-Kutta step of fourth order.

use super::state::State;

/// The state `dt` seconds later, if it changes at the rate `slope(state)`.
///
/// Source: W. Kutta, "Beitrag zur naeherungsweisen Integration totaler Differentialgleichungen", 1901.
pub fn step(state: &State, dt: f64, slope: impl Fn(&State) -> State) -> State {
    let k1 = slope(state);
    let k2 = slope(&state.plus(&k1, dt / 2.0));
    let k3 = slope(&state.plus(&k2, dt / 2.0));
    let k4 = slope(&state.plus(&k3, dt));
    let sixth = dt / 6.0;
    let mut out = *state;
    for (k, share) in [(&k1, sixth), (&k2, 2.0 * sixth), (&k3, 2.0 * sixth), (&k4, sixth)] {
        out.add(k, share);
    }
    out.normalized()
}
