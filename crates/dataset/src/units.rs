//! The units of sensors. Units of the same quantity differ by a power of ten.

/// The units of one quantity: the spellings of each and its power of ten.
type Quantity = &'static [(&'static [&'static str], i32)];

const QUANTITIES: [Quantity; 7] = [
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

/// Returns a unit as it is compared: without letter case, and without the damage that µ and ° take
/// between encodings. `?` and U+FFFD stand for either of them, Latin-1 has them as they are, and
/// UTF-8 read as Latin-1 puts `Â` or `Î` in front.
fn fold(unit: &str) -> String {
    // Letter case matters for this unit only: MPa is 10^9 times as large.
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

/// Returns the power of ten of a folded unit, if it is a unit of `quantity`.
fn power(quantity: Quantity, folded: &str) -> Option<i32> {
    let is_same = |name: &&str| fold(name) == folded;
    quantity.iter().find(|(spellings, _)| spellings.iter().any(is_same)).map(|(_, power)| *power)
}

/// Returns the power of ten that converts numbers in the unit `from` to numbers in the unit `to`.
///
/// # Errors
/// Returns the list of accepted units if the two do not measure the same quantity.
pub(crate) fn power_between(from: &str, to: &str) -> Result<i32, String> {
    let (from, folded) = (fold(from), fold(to));
    if from == folded {
        return Ok(0);
    }
    let known = QUANTITIES.iter().find_map(|&units| Some((units, power(units, &folded)?)));
    let Some((quantity, to_power)) = known else { return Err(to.to_owned()) };
    power(quantity, &from).map(|from_power| from_power - to_power).ok_or_else(|| {
        let names = quantity.iter().map(|(spellings, _)| spellings[0]);
        let others = names.filter(|name| power(quantity, &fold(name)) != Some(to_power));
        std::iter::once(to).chain(others).collect::<Vec<_>>().join(", ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_one_quantity_are_powers_of_ten_apart() {
        let powers = [("Pa", "bar"), ("kPa", "bar"), ("bar", "Pa"), ("N", "kN"), ("mm", "µm")];
        assert_eq!(powers.map(|(a, b)| power_between(a, b).unwrap()), [-5, -2, 5, -3, 3]);
    }

    #[test]
    fn units_damaged_by_an_encoding_are_recognized() {
        for unit in ["µm", "μm", "?m", "\u{FFFD}m", "Âµm", "Î¼m", "um", "UM"] {
            assert_eq!(power_between(unit, "µm"), Ok(0), "{unit}");
        }
        for unit in ["°C", "?C", "Â°C", "C", "degC", "℃"] {
            assert_eq!(power_between(unit, "°C"), Ok(0), "{unit}");
        }
    }

    #[test]
    fn units_of_another_quantity_are_refused_with_the_accepted_ones() {
        assert_eq!(power_between("psi", "bar"), Err("bar, mbar, Pa, hPa, kPa, MPa".to_owned()));
        assert!(power_between("mPa", "bar").is_err());
        assert_eq!(power_between("mpa", "bar"), Ok(1));
        assert_eq!(power_between("°F", "°C"), Err("°C".to_owned()));
        assert_eq!(power_between("cm", "furlong"), Err("furlong".to_owned()));
    }
}
