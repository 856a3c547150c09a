//! The slot's bytes against the documented layout of a CDR `sensor_msgs/msg/Image`, read by a reader of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use peregrine_frame::{BusConfig, Encoding, FRAME_ID_MAX, FrameBus, ImageSpec, PIXEL_OFFSET, Policy};
use proptest::prelude::*;

/// Reads by the rules of PLAIN_CDR: alignment counts from behind the encapsulation header.
struct Cdr<'a>(&'a [u8], usize);

impl<'a> Cdr<'a> {
    fn u32(&mut self) -> u32 {
        self.1 = self.1.next_multiple_of(4);
        self.1 += 4;
        u32::from_le_bytes(self.0[self.1 - 4..self.1].try_into().unwrap())
    }
    fn bytes(&mut self, n: usize) -> &'a [u8] {
        self.1 += n;
        &self.0[self.1 - n..self.1]
    }
    fn string(&mut self) -> &'a str {
        let n = self.u32() as usize;
        let (nul, s) = self.bytes(n).split_last().unwrap();
        assert_eq!(*nul, 0);
        std::str::from_utf8(s).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_slot_is_a_message(
        halves in (1u32..40, 1u32..20), pad in 0u32..9, which in 0usize..Encoding::ALL.len(),
        id in "[a-z_/é]{0,100}", stamp in any::<i64>(), fill in any::<u8>(),
    ) {
        let encoding = Encoding::ALL[which];
        let (width, height) = (halves.0 * 2, halves.1 * 2);
        let step = width * encoding.bytes_per_pixel() + pad;
        prop_assume!(id.len() <= FRAME_ID_MAX);
        let spec = ImageSpec { width, height, encoding, step, frame_id: &id };
        let config = BusConfig { slots: 4, slot_bytes: 20_000, keep: 1, max_readers: 1 };
        let mut w = FrameBus::create("t", config).unwrap();
        let mut r = w.bus().reader_with(Policy::Latest, 1).unwrap();
        let mut loan = w.loan(&spec).unwrap().unwrap();
        if encoding == Encoding::Jpeg {
            loan.set_payload_len(777).unwrap();
        }
        loan.bytes_mut().fill(fill);
        loan.set_stamp(stamp);
        w.publish(loan).unwrap();
        let f = r.take().unwrap().unwrap();

        let cdr = f.cdr();
        prop_assert_eq!(&cdr[..4], &[0, 1, 0, 0]);
        let mut c = Cdr(&cdr[4..], 0);
        let (sec, nanosec) = (c.u32() as i32, c.u32());
        let whole = stamp.div_euclid(1_000_000_000);
        if i32::try_from(whole).is_ok() {
            prop_assert_eq!(i64::from(sec) * 1_000_000_000 + i64::from(nanosec), stamp);
        } else {
            prop_assert_eq!((sec, nanosec), (if stamp < 0 { i32::MIN } else { i32::MAX }, 999_999_999));
        }
        prop_assert_eq!(c.string(), &id);
        prop_assert_eq!((c.u32(), c.u32()), (height, width));
        prop_assert_eq!(c.string(), encoding.as_str());
        prop_assert_eq!(c.bytes(1), &[0]);
        prop_assert_eq!(c.u32(), step);
        let n = c.u32() as usize;
        let rows = if encoding == Encoding::Nv12 { height + height / 2 } else { height };
        prop_assert_eq!(n, if encoding == Encoding::Jpeg { 777 } else { (step * rows) as usize });
        prop_assert_eq!(c.bytes(n), f.bytes());
        prop_assert_eq!(c.1, cdr.len() - 4);

        prop_assert!(f.bytes().iter().all(|b| *b == fill));
        prop_assert_eq!(f.bytes().as_ptr() as usize % 64, 0);
        prop_assert_eq!((f.frame_id(), f.stamp_ns(), f.step()), (id.as_str(), stamp, step));
        prop_assert_eq!((f.width(), f.height(), f.encoding()), (width, height, encoding));
        let m = f.meta();
        prop_assert_eq!((m.pixel_offset as usize, m.pixel_len as usize), (PIXEL_OFFSET, n));
        prop_assert_eq!(m.cdr_offset + m.cdr_len, m.pixel_offset + m.pixel_len);
        prop_assert!(m.publish_mono_ns >= m.capture_mono_ns && f.age_ns() > 0);
        prop_assert_eq!((std::ptr::from_ref(m) as usize) % 4096, 0);
    }
}

#[test]
fn only_a_jpeg_has_a_length_of_its_own() {
    let config = BusConfig { slots: 4, slot_bytes: 100, keep: 1, max_readers: 1 };
    let mut w = FrameBus::create("t", config).unwrap();
    let mut loan = w.loan(&ImageSpec::packed(4, 4, Encoding::Mono8, "c")).unwrap().unwrap();
    assert!(loan.set_payload_len(3).unwrap_err().to_string().starts_with("PG-0107"));
    let mut loan = w.loan(&ImageSpec::packed(4, 4, Encoding::Jpeg, "c")).unwrap().unwrap();
    let all = loan.bytes_mut().len();
    assert!(all >= 100);
    assert!(loan.set_payload_len(all + 1).unwrap_err().to_string().starts_with("PG-0115"));
    loan.set_payload_len(all).unwrap();
    loan.set_payload_len(0).unwrap();
    loan.set_payload_len(all).unwrap();
}
