//! Actors of an SDF file walk, can be seen and touched, and repeat.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use peregrine_sim::flight::{Flight, Rules};
use peregrine_sim::physics::Vehicle;
use peregrine_sim::scenario::from_sdf;
use peregrine_sim::sdf::Loader;

/// Somebody walks from 8 m ahead of the start to 8 m on the left within 8 s, through the place 2 m ahead after 6 s.
const YARD: &str = "<sdf version='1.9'><world name='yard'>
    <actor name='passer'><pose>0 0 0 0 0 0</pose>
      <skin><filename>walk.dae</filename></skin>
      <script><loop>false</loop><auto_start>true</auto_start>
        <trajectory id='0' type='walk' tension='1'>
          <waypoint><time>0</time><pose>8 0 1.0 0 0 3.1416</pose></waypoint>
          <waypoint><time>6</time><pose>2 0 1.0 0 0 3.1416</pose></waypoint>
          <waypoint><time>8</time><pose>2 8 1.0 0 0 1.5708</pose></waypoint>
        </trajectory></script></actor>
    </world></sdf>";

fn flight() -> Flight {
    let loaded = Loader::from_env().load_str(YARD, "yard").unwrap();
    let world = from_sdf(loaded, "yard", 60.0, 1.0).unwrap();
    let report = world.report.as_ref().unwrap();
    assert!(
        report.warnings.iter().any(|w| w.contains("passer") && w.contains("person")),
        "{:?}",
        report.warnings
    );
    Flight::new(Arc::new(world), Vehicle::x500(), Rules::default()).unwrap()
}

#[test]
fn a_person_walks_by() {
    let mut flight = flight();
    let passer = |flight: &Flight| {
        let world = flight.world();
        let thing = world.thing(world.find("passer").unwrap()).unwrap();
        assert_eq!(thing.label, "person");
        (thing.pose.translation.vector, flight.clearance().distance)
    };
    let mut gaps = Vec::new();
    for (second, x, y) in [(0, 8.0, 0.0), (2, 6.0, 0.0), (6, 2.0, 0.0), (8, 2.0, 8.0), (12, 2.0, 8.0)] {
        flight.advance(second * 1_000_000_000 + 20_000_000).unwrap();
        let (at, gap) = passer(&flight);
        // Moved every 20 ms, at 4 m/s at most; feet on the ground.
        assert!(
            (at.x - x).abs() < 0.09 && (at.y - y).abs() < 0.09 && at.z.abs() < 1e-9,
            "{second} s: {at:?}"
        );
        gaps.push(gap);
    }
    // The vehicle hovers 1 m above the origin; a person is half a metre wide at most.
    assert!((gaps[2] - (2.0 - 0.25 - 0.25)).abs() < 0.25 && gaps[0] > 7.0, "{gaps:?}");
}

#[test]
fn it_does_not_matter_in_what_portions_time_passes() {
    let (mut whole, mut parts) = (flight(), flight());
    whole.advance(3_000_000_000).unwrap();
    (1..=300).for_each(|k| parts.advance(k * 10_000_000).unwrap());
    let pose = |f: &Flight| f.world().thing(1).unwrap().pose;
    assert_eq!(pose(&whole), pose(&parts));
    assert_eq!(whole.quad().state().bits(), parts.quad().state().bits());
}
