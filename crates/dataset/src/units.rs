//! Units of sensors, each a power of ten of the others of its kind.

/// The units of one kind: the spellings of each and its power of ten.
type Kind = &'static [(&'static [&'static str], i32)];

const KINDS: [Kind; 7] = [
    &[
        (&["bar"], 0),
        (&["mbar"], -3),
        (&["Pa", "pascal"], -5),
        (&["hPa"], -3),
        (&["kPa"], -2),
        (&["MPa"], 1),
    ],
    &[(&["N", "newton"], 0), (&["kN"], 3)],
    &[(&["Nm", "N·m", "N*m", "N-m", "N.m"], 0), (&["kNm"], 3)],
    &[(&["µm", "um", "micron", "microns"], -6), (&["mm"], -3), (&["m"], 0)],
    &[(&["V", "volt", "volts"], 0), (&["kV"], 3)],
    &[(&["RPM", "r/min", "rev/min", "1/min"], 0)],
    &[(&["°C", "C", "degC", "deg C", "celsius"], 0)],
];

/// Letter case does not matter, and neither do the ways that µ and ° come to harm between
/// encodings: `?` and U+FFFD stand for either, Latin-1 read as it is gives them, and UTF-8 read as
/// Latin-1 puts `Â` or `Î` in front.
fn fold(unit: &str) -> String {
    // The one unit whose other case is a known one a thousand million times as large.
    if unit.trim() == "mPa" {
        return "mPa".to_owned();
    }
    let mut folded = String::new();
    for letter in unit.trim().chars() {
        match letter {
            'Â' | 'Î' => {}
            'µ' | 'μ' | '°' | '¼' | '\u{FFFD}' => folded.push('?'),
            '℃' => folded.push_str("?c"),
            _ => folded.extend(letter.to_lowercase()),
        }
    }
    folded
}

fn find(kind: Kind, folded: &str) -> Option<i32> {
    let of = kind.iter().find(|(spellings, _)| spellings.iter().any(|name| fold(name) == folded));
    of.map(|(_, power)| *power)
}

/// The power of ten that turns numbers in `from` into numbers in `to`.
///
/// # Errors
/// The units that would do, where the two are not of one kind.
pub(crate) fn power_between(from: &str, to: &str) -> Result<i32, String> {
    let (from, folded) = (fold(from), fold(to));
    if from == folded {
        return Ok(0);
    }
    let Some((kind, power)) = KINDS.iter().find_map(|kind| Some((*kind, find(kind, &folded)?)))
    else {
        return Err(to.to_owned());
    };
    find(kind, &from).map(|other| other - power).ok_or_else(|| {
        let names = kind.iter().map(|(spellings, _)| spellings[0]);
        let others = names.filter(|name| find(kind, &fold(name)) != Some(power));
        std::iter::once(to).chain(others).collect::<Vec<_>>().join(", ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_one_kind_are_powers_of_ten_apart() {
        let powers = [("Pa", "bar"), ("kPa", "bar"), ("bar", "Pa"), ("N", "kN"), ("mm", "µm")];
        assert_eq!(powers.map(|(a, b)| power_between(a, b).unwrap()), [-5, -2, 5, -3, 3]);
    }

    #[test]
    fn damaged_letters_are_understood() {
        for unit in ["µm", "μm", "?m", "\u{FFFD}m", "Âµm", "Î¼m", "um", "UM"] {
            assert_eq!(power_between(unit, "µm"), Ok(0), "{unit}");
        }
        for unit in ["°C", "?C", "Â°C", "C", "degC", "℃"] {
            assert_eq!(power_between(unit, "°C"), Ok(0), "{unit}");
        }
    }

    #[test]
    fn other_units_are_refused_with_those_that_would_do() {
        assert_eq!(power_between("psi", "bar"), Err("bar, mbar, Pa, hPa, kPa, MPa".to_owned()));
        assert!(power_between("mPa", "bar").is_err());
        assert_eq!(power_between("mpa", "bar"), Ok(1));
        assert_eq!(power_between("°F", "°C"), Err("°C".to_owned()));
        assert_eq!(power_between("cm", "furlong"), Err("furlong".to_owned()));
    }
}
