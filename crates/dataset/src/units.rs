//! The units of sensors, and how a number in one unit becomes a number in another.

/// How a number in a unit becomes a number in the base unit of its quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ToBase {
    /// The number times a power of ten.
    Power(i32),
    /// `(number - zero) * factor`.
    Linear { zero: f64, factor: f64 },
}

use ToBase::{Linear, Power};

/// The units of one quantity: the spellings of each, and how it becomes the base unit, which comes
/// first.
type Quantity = &'static [(&'static [&'static str], ToBase)];

/// A unit in one letter case is another unit in another: `MPa` and `mPa`. Of two units that differ
/// in letter case only, the first is meant where the case fits neither, as in `mpa`.
const QUANTITIES: [Quantity; 15] = [
    &[
        (&["bar"], Power(0)),
        (&["mbar"], Power(-3)),
        (&["Pa", "pascal"], Power(-5)),
        (&["hPa"], Power(-3)),
        (&["kPa"], Power(-2)),
        (&["MPa"], Power(1)),
        (&["mPa"], Power(-8)),
        // NIST SP 811, appendix B.8
        (&["psi", "psig", "psia", "lbf/in2", "lbf/in²"], factor(0.068_947_572_931_68)),
        (&["atm"], factor(1.013_25)),
        (&["kgf/cm2", "kgf/cm²", "kg/cm2", "kg/cm²"], factor(0.980_665)),
    ],
    &[(&["N", "newton"], Power(0)), (&["kN"], Power(3)), (&["lbf"], factor(4.448_221_615_260_5))],
    &[
        (&["Nm", "N·m", "N*m", "N-m", "N.m", "N m"], Power(0)),
        (&["kNm", "kN·m", "kN*m"], Power(3)),
        (&["lbf·ft", "lbf-ft", "ft-lb", "lb-ft", "ft·lbf"], factor(1.355_817_948_331_4)),
    ],
    &[
        (&["m"], Power(0)),
        (&["cm"], Power(-2)),
        (&["mm"], Power(-3)),
        (&["µm", "um", "micron", "microns"], Power(-6)),
    ],
    &[(&["V", "volt", "volts"], Power(0)), (&["mV"], Power(-3)), (&["kV"], Power(3))],
    &[
        (&["A", "amp", "amps", "ampere", "amperes"], Power(0)),
        (&["mA"], Power(-3)),
        (&["kA"], Power(3)),
    ],
    &[
        (&["W", "watt", "watts"], Power(0)),
        (&["kW"], Power(3)),
        (&["MW"], Power(6)),
        (&["mW"], Power(-3)),
    ],
    &[
        (
            &[
                "RPM", "r/min", "rev/min", "1/min", "min-1", "min⁻¹", "min^-1", "U/min", "rpm",
                "rot/min",
            ],
            Power(0),
        ),
        (&["1/s", "s-1", "s⁻¹", "s^-1", "rev/s", "rps", "r/s"], factor(60.0)),
        (&["rad/s"], factor(30.0 / std::f64::consts::PI)),
    ],
    &[
        (&["°C", "ºC", "C", "degC", "deg C", "deg. C", "celsius"], Power(0)),
        (&["K", "°K", "ºK", "kelvin"], Linear { zero: 273.15, factor: 1.0 }),
        (
            &["°F", "ºF", "F", "degF", "deg F", "deg. F", "fahrenheit"],
            Linear { zero: 32.0, factor: 5.0 / 9.0 },
        ),
    ],
    &[
        (&["m/s", "m·s-1"], Power(0)),
        (&["cm/s"], Power(-2)),
        (&["mm/s"], Power(-3)),
        (&["in/s", "ips"], factor(0.0254)),
    ],
    &[
        (&["m/s2", "m/s²", "m/s^2"], Power(0)),
        (&["mm/s2", "mm/s²", "mm/s^2"], Power(-3)),
        (&["g", "gn"], factor(9.806_65)),
        (&["mg"], factor(0.009_806_65)),
    ],
    &[(&["Hz", "hertz"], Power(0)), (&["kHz"], Power(3)), (&["MHz"], Power(6))],
    &[
        (&["s", "sec", "second", "seconds"], Power(0)),
        (&["ms"], Power(-3)),
        (&["min", "minute", "minutes"], factor(60.0)),
        (&["h", "hr", "hour", "hours"], factor(3600.0)),
    ],
    &[
        (&["l/min", "L/min", "lpm"], Power(0)),
        (&["l/s"], factor(60.0)),
        (&["m3/h", "m³/h"], factor(1000.0 / 60.0)),
    ],
    &[(&["%", "percent", "pct"], Power(0))],
];

const fn factor(factor: f64) -> ToBase {
    Linear { zero: 0.0, factor }
}

/// How a number in a header's unit becomes a number in the unit of its column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Conversion {
    /// The number times a power of ten, which is added to its decimal exponent: the result is
    /// correctly rounded.
    Power(i32),
    /// `(number - zero) * factor + offset`.
    Linear {
        /// What is subtracted from the number.
        zero: f64,
        /// The factor.
        factor: f64,
        /// What is added to the product.
        offset: f64,
    },
}

impl Conversion {
    /// No conversion.
    pub(crate) const NONE: Self = Self::Power(0);

    /// Returns the power of ten to parse a number with.
    pub(crate) fn power(self) -> i32 {
        match self {
            Self::Power(power) => power,
            Self::Linear { .. } => 0,
        }
    }

    /// Converts a number that was parsed with [`Self::power`].
    pub(crate) fn apply(self, number: f64) -> f64 {
        match self {
            Self::Power(_) => number,
            Self::Linear { zero, factor, offset } => (number - zero) * factor + offset,
        }
    }
}

/// Returns a unit without the damage that µ, ° and superscripts take between encodings. `?` and
/// U+FFFD stand for any of them, Latin-1 has them as they are, and UTF-8 read as Latin-1 puts `Â`
/// or `Î` in front.
fn fold_damage(unit: &str) -> String {
    let mut folded = String::new();
    for letter in unit.trim().chars() {
        match letter {
            'Â' | 'Î' => {}
            'µ' | 'μ' | '°' | 'º' | '˚' | '¼' | '\u{FFFD}' => folded.push('?'),
            '℃' => folded.push_str("?C"),
            '℉' => folded.push_str("?F"),
            _ => folded.push(letter),
        }
    }
    folded
}

/// Finds a unit in a quantity: in its own letter case, or in any.
fn find(quantity: Quantity, unit: &str) -> Option<ToBase> {
    let folded = fold_damage(unit);
    let lower = folded.to_lowercase();
    let among = |is_same: &dyn Fn(&str) -> bool| {
        let found = quantity.iter().find(|(names, _)| names.iter().any(|name| is_same(name)));
        found.map(|(_, to_base)| *to_base)
    };
    among(&|name| fold_damage(name) == folded)
        .or_else(|| among(&|name| fold_damage(name).to_lowercase() == lower))
}

/// Returns whether this is a unit of any quantity.
pub(crate) fn is_known(unit: &str) -> bool {
    QUANTITIES.iter().any(|quantity| find(quantity, unit).is_some())
}

/// Returns whether this is a unit of any quantity in its own letter case, and more than one letter: `K`
/// behind a number may be a thousand, and `A` a part of its name.
pub(crate) fn is_plain(unit: &str) -> bool {
    let folded = fold_damage(unit);
    let names =
        QUANTITIES.iter().flat_map(|quantity| quantity.iter()).flat_map(|(names, _)| *names);
    folded.chars().count() > 1 && names.into_iter().any(|name| fold_damage(name) == folded)
}

/// Returns whether two texts are the same unit, whether it is a known one or not.
pub(crate) fn is_same(unit: &str, other: &str) -> bool {
    match between(unit, other) {
        Ok(conversion) => conversion == Conversion::NONE,
        Err(_) => false,
    }
}

/// Returns how numbers in the unit `from` become numbers in the unit `to`.
///
/// # Errors
/// Returns the list of accepted units if the two do not measure the same quantity.
pub(crate) fn between(from: &str, to: &str) -> Result<Conversion, String> {
    // A unit that nobody knows is still the same as itself.
    let is_equal = fold_damage(from) == fold_damage(to);
    let known = QUANTITIES.iter().find_map(|&units| Some((units, find(units, to)?)));
    let Some((quantity, to_base)) = known else {
        let folds_equal = fold_damage(from).to_lowercase() == fold_damage(to).to_lowercase();
        return if is_equal || folds_equal { Ok(Conversion::NONE) } else { Err(to.to_owned()) };
    };
    if is_equal {
        return Ok(Conversion::NONE);
    }
    let Some(from_base) = find(quantity, from) else {
        let names = quantity.iter().filter(|(_, unit)| *unit != to_base).map(|(names, _)| names[0]);
        return Err(std::iter::once(to).chain(names).collect::<Vec<_>>().join(", "));
    };
    Ok(match (from_base, to_base) {
        (from, to) if from == to => Conversion::NONE,
        (Power(from), Power(to)) => Conversion::Power(from - to),
        (from, to) => {
            let (zero, factor) = linear(from);
            let (offset, divisor) = linear(to);
            Conversion::Linear { zero, factor: factor / divisor, offset }
        }
    })
}

fn linear(unit: ToBase) -> (f64, f64) {
    match unit {
        Power(power) => (0.0, 10_f64.powi(power)),
        Linear { zero, factor } => (zero, factor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_units_of_one_quantity_are_powers_of_ten_apart() {
        let powers = [("Pa", "bar"), ("kPa", "bar"), ("bar", "Pa"), ("N", "kN"), ("mm", "µm")];
        let expected = [-5, -2, 5, -3, 3].map(Conversion::Power);
        assert_eq!(powers.map(|(from, to)| between(from, to).unwrap()), expected);
    }

    #[test]
    fn other_units_are_converted_by_factor_and_zero() {
        let convert = |number: f64, from, to| between(from, to).unwrap().apply(number);
        assert_eq!(convert(212.0, "°F", "°C"), 100.0);
        assert_eq!(convert(32.0, "°F", "°C"), 0.0);
        // 100 C = 373.15 K, and 373.15 K = 212 F
        assert_eq!(convert(100.0, "°C", "K"), 373.15);
        assert!((convert(373.15, "K", "°F") - 212.0).abs() < 1e-12);
        // 14.5037738 psi are 1 bar.
        assert!((convert(14.503_773_8, "psi", "bar") - 1.0).abs() < 1e-8);
        assert!((convert(14.503_773_8, "psi", "kPa") - 100.0).abs() < 1e-6);
        // A turn has 2 pi radians and a minute 60 seconds.
        let turn = 2.0 * std::f64::consts::PI;
        assert!((convert(turn, "rad/s", "rpm") - 60.0).abs() < 1e-12);
        assert_eq!(convert(50.0, "1/s", "RPM"), 3000.0);
        assert!((convert(1.0, "g", "m/s2") - 9.80665).abs() < 1e-15);
        assert_eq!(convert(2.0, "h", "min"), 120.0);
    }

    #[test]
    fn units_damaged_by_an_encoding_are_recognized() {
        for unit in ["µm", "μm", "?m", "\u{FFFD}m", "Âµm", "Î¼m", "um", "UM"] {
            assert_eq!(between(unit, "µm"), Ok(Conversion::NONE), "{unit}");
        }
        for unit in ["°C", "ºC", "?C", "Â°C", "C", "degC", "℃", "°c"] {
            assert_eq!(between(unit, "°C"), Ok(Conversion::NONE), "{unit}");
        }
    }

    #[test]
    fn letter_case_tells_units_apart_where_it_must() {
        assert_eq!(between("mPa", "bar"), Ok(Conversion::Power(-8)));
        assert_eq!(between("mpa", "bar"), Ok(Conversion::Power(1)));
        assert_eq!(between("mW", "MW"), Ok(Conversion::Power(-9)));
        assert!(is_same("rpm", "RPM") && is_same("furlong", "Furlong"));
        assert!(!is_same("°C", "K") && !is_same("furlong", "mile"));
        assert!(is_known("rpm") && !is_known("in") && !is_known("0/1") && !is_known(""));
    }

    #[test]
    fn units_of_another_quantity_are_refused_with_the_accepted_ones() {
        assert_eq!(between("bar", "°C"), Err("°C, K, °F".to_owned()));
        assert_eq!(between("cm", "furlong"), Err("furlong".to_owned()));
    }
}
