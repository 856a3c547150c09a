//! Help for serde where its derive falls short.

/// Floats that keep NaN and the infinities in JSON, as the strings `"NaN"`, `"Infinity"` and `"-Infinity"`.
///
/// JSON has no number for them, and serde_json would write `null`, which reads back as an error: a depth image or a
/// laser scan of open space would not survive. Binary formats get plain floats.
pub(crate) mod float {
    use serde::de::{Deserialize, Deserializer, Error, Visitor};
    use serde::ser::{Serialize, Serializer};
    use std::fmt;

    /// A float, or a sequence or array of them.
    pub(crate) trait Floats: Sized {
        fn write<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error>;
        fn read<'de, D: Deserializer<'de>>(d: D) -> Result<Self, D::Error>;
    }

    pub(crate) fn serialize<T: Floats, S: Serializer>(value: &T, s: S) -> Result<S::Ok, S::Error> {
        value.write(s)
    }

    pub(crate) fn deserialize<'de, T: Floats, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
        T::read(d)
    }

    struct Lossless<T>(T);

    struct AnyFloat;

    impl Visitor<'_> for AnyFloat {
        type Value = f64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
        }

        fn visit_f64<E: Error>(self, v: f64) -> Result<f64, E> {
            Ok(v)
        }

        #[allow(clippy::cast_precision_loss)]
        fn visit_i64<E: Error>(self, v: i64) -> Result<f64, E> {
            Ok(v as f64)
        }

        #[allow(clippy::cast_precision_loss)]
        fn visit_u64<E: Error>(self, v: u64) -> Result<f64, E> {
            Ok(v as f64)
        }

        fn visit_str<E: Error>(self, v: &str) -> Result<f64, E> {
            match v {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
            }
        }
    }

    macro_rules! floats {
        ($t:ty, $write:ident, $narrow:expr) => {
            impl Serialize for Lossless<$t> {
                fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                    if self.0.is_finite() || !s.is_human_readable() {
                        s.$write(self.0)
                    } else if self.0.is_nan() {
                        s.serialize_str("NaN")
                    } else {
                        s.serialize_str(if self.0 > 0.0 { "Infinity" } else { "-Infinity" })
                    }
                }
            }

            impl<'de> Deserialize<'de> for Lossless<$t> {
                fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    if d.is_human_readable() {
                        d.deserialize_any(AnyFloat).map(|v| Self($narrow(v)))
                    } else {
                        <$t>::deserialize(d).map(Self)
                    }
                }
            }

            impl Floats for $t {
                fn write<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                    Lossless(*self).serialize(s)
                }
                fn read<'de, D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    Ok(Lossless::<$t>::deserialize(d)?.0)
                }
            }

            impl Floats for Vec<$t> {
                fn write<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                    s.collect_seq(self.iter().map(|v| Lossless(*v)))
                }
                fn read<'de, D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    Ok(Vec::<Lossless<$t>>::deserialize(d)?.into_iter().map(|v| v.0).collect())
                }
            }

            impl<const N: usize> Floats for [$t; N] {
                fn write<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                    s.collect_seq(self.iter().map(|v| Lossless(*v)))
                }
                fn read<'de, D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    let all = Vec::<$t>::read(d)?;
                    let len = all.len();
                    all.try_into().map_err(|_| Error::invalid_length(len, &format!("{N} numbers").as_str()))
                }
            }
        };
    }

    #[allow(clippy::cast_possible_truncation)]
    fn narrow(v: f64) -> f32 {
        v as f32
    }

    floats!(f32, serialize_f32, narrow);
    floats!(f64, serialize_f64, std::convert::identity);
}

/// Arrays longer than the 32 elements that serde's derive knows.
#[allow(dead_code)] // no definition has one at the moment, except of floats
pub(crate) mod array {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer, const N: usize>(
        value: &[T; N],
        s: S,
    ) -> Result<S::Ok, S::Error> {
        s.collect_seq(value)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>, const N: usize>(
        d: D,
    ) -> Result<[T; N], D::Error> {
        let all = Vec::<T>::deserialize(d)?;
        let len = all.len();
        all.try_into().map_err(|_| Error::invalid_length(len, &format!("{N} elements").as_str()))
    }
}
