//! A metric that may be undefined.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The value of a metric, NaN where the metric is undefined. JSON has no NaN; there it is the
/// string `"NaN"`, as in SageMaker's own reports.
#[derive(Clone, Copy, Debug)]
pub struct Measure(pub f64);

/// Two undefined values are equal.
impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || (self.0.is_nan() && other.0.is_nan())
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            serializer.serialize_f64(self.0)
        } else {
            serializer.serialize_str("NaN")
        }
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MeasureVisitor;

        impl Visitor<'_> for MeasureVisitor {
            type Value = Measure;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or \"NaN\"")
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Measure, E> {
                Ok(Measure(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Measure, E> {
                Ok(Measure(number as f64))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Measure, E> {
                Ok(Measure(number as f64))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Measure, E> {
                match text {
                    "NaN" => Ok(Measure(f64::NAN)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }

        deserializer.deserialize_any(MeasureVisitor)
    }
}
