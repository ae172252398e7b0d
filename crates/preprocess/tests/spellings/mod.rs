//! The ways in which real exports spell one and the same table.

use std::collections::BTreeMap;

/// A table as cells, so that they can be moved about and written again.
#[derive(Clone)]
struct Cells {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Every spelling of a table that has no quotes in it, by what is particular about it.
pub fn of(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let table = Cells::new(text);
    let bare = table.headers(|name| name.to_owned());
    let units = table.headers(|name| with_unit(name, "°", "µ"));
    let latin_1 = |text: &str| text.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let utf_8 = |table: &Cells| table.text().into_bytes();
    vec![
        ("no units", utf_8(&bare)),
        ("units in UTF-8", utf_8(&units)),
        ("units in Latin-1", latin_1(&units.text())),
        ("units that were lost", utf_8(&table.headers(|name| with_unit(name, "?", "?")))),
        (
            "Cutting_Force",
            utf_8(&units.headers_as_they_are(|h| h.replace("Cutting", "Cutting_Force"))),
        ),
        (
            "lower case and blanks",
            utf_8(
                &bare.headers_as_they_are(|h| format!(" {} ", h.to_lowercase().replace('_', " "))),
            ),
        ),
        ("a byte-order mark", format!("\u{FEFF}{text}").into_bytes()),
        ("a byte-order mark and quotes", format!("\u{FEFF}{}", units.quoted().text()).into_bytes()),
        ("CRLF", text.replace('\n', "\r\n").into_bytes()),
        ("no last line end", text.trim_end().to_owned().into_bytes()),
        ("blank lines", text.replacen('\n', "\n\n", 40).into_bytes()),
        ("an index", utf_8(&table.indexed(""))),
        ("an index that was read and written again", utf_8(&table.indexed("Unnamed: 0"))),
        ("columns backwards", utf_8(&table.permuted(|columns| columns.reverse()))),
        ("the label first", utf_8(&table.permuted(|columns| columns.rotate_right(1)))),
        ("yes and no", utf_8(&table.labels("yes", "no"))),
        ("Yes and NO with blanks", utf_8(&table.labels(" Yes ", "NO  "))),
        ("1 and 0", utf_8(&table.labels("1", "0"))),
        ("1.0 and 0.0", utf_8(&table.labels("1.0", "0.0"))),
        ("labels in upper case", utf_8(&table.labels("MACHINE_FAILURE", "NO_MACHINE_FAILURE"))),
        ("labels with blanks", utf_8(&table.labels(" Machine_Failure", "No_Machine_Failure "))),
        (
            "pascal and newton",
            utf_8(&table.in_units(&[
                ("Hydraulic_Pressure", "Pa", 5),
                ("Coolant_Pressure", "Pa", 5),
                ("Air_System_Pressure", "Pa", 5),
                ("Cutting", "N", 3),
            ])),
        ),
        ("kilopascal", utf_8(&table.in_units(&[("Hydraulic_Pressure", "kPa", 2)]))),
        (
            "missing cells in words",
            utf_8(&table.cells(
                |cell| {
                    if cell.is_empty() { "NaN".to_owned() } else { cell.to_owned() }
                },
            )),
        ),
        ("blanks around cells", utf_8(&table.cells(|cell| format!(" {cell} ")))),
    ]
}

/// A column's name with the unit that exports give it.
fn with_unit(name: &str, degree: &str, micro: &str) -> String {
    let degrees = format!("{degree}C");
    let micrometres = format!("{micro}m");
    let units: BTreeMap<&str, &str> = [
        ("Hydraulic_Pressure", "bar"),
        ("Coolant_Pressure", "bar"),
        ("Air_System_Pressure", "bar"),
        ("Coolant_Temperature", &degrees),
        ("Hydraulic_Oil_Temperature", &degrees),
        ("Spindle_Bearing_Temperature", &degrees),
        ("Spindle_Vibration", &micrometres),
        ("Tool_Vibration", &micrometres),
        ("Spindle_Speed", "RPM"),
        ("Voltage", "volts"),
        ("Torque", "Nm"),
        ("Cutting", "kN"),
    ]
    .into();
    units.get(name).map_or_else(|| name.to_owned(), |unit| format!("{name}({unit})"))
}

/// A header without its unit.
fn bare(header: &str) -> &str {
    header.split('(').next().unwrap().trim()
}

/// A decimal number times ten to a power, digit for digit.
fn shifted(number: &str, power: usize) -> String {
    if number.is_empty() {
        return String::new();
    }
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let decimals = format!("{decimals:0<power$}");
    let (moved, rest) = decimals.split_at(power);
    if rest.is_empty() { format!("{whole}{moved}") } else { format!("{whole}{moved}.{rest}") }
}

impl Cells {
    fn new(text: &str) -> Self {
        let mut lines =
            text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        Self { header: lines.next().unwrap(), rows: lines.collect() }
    }

    fn text(&self) -> String {
        let lines = std::iter::once(&self.header).chain(&self.rows);
        lines.map(|cells| cells.join(",") + "\n").collect()
    }

    /// With headers made from the bare names.
    fn headers(&self, header: impl Fn(&str) -> String) -> Self {
        self.headers_as_they_are(|text| header(bare(text)))
    }

    fn headers_as_they_are(&self, header: impl Fn(&str) -> String) -> Self {
        let header = self.header.iter().map(|text| header(text)).collect();
        Self { header, rows: self.rows.clone() }
    }

    fn cells(&self, cell: impl Fn(&str) -> String) -> Self {
        let rows = self.rows.iter().map(|row| row.iter().map(|text| cell(text)).collect());
        Self { header: self.header.clone(), rows: rows.collect() }
    }

    fn quoted(&self) -> Self {
        self.headers_as_they_are(|text| format!("\"{text}\"")).cells(|text| format!("\"{text}\""))
    }

    fn indexed(&self, name: &str) -> Self {
        let mut table = self.clone();
        table.header.insert(0, name.to_owned());
        for (index, row) in table.rows.iter_mut().enumerate() {
            row.insert(0, index.to_string());
        }
        table
    }

    fn permuted(&self, permute: impl Fn(&mut Vec<String>)) -> Self {
        let mut table = self.clone();
        permute(&mut table.header);
        table.rows.iter_mut().for_each(permute);
        table
    }

    fn labels(&self, failed: &str, sound: &str) -> Self {
        self.cells(|text| match text {
            "Machine_Failure" => failed.to_owned(),
            "No_Machine_Failure" => sound.to_owned(),
            other => other.to_owned(),
        })
    }

    /// With columns in smaller units, each `10^power` times as many of them.
    fn in_units(&self, units: &[(&str, &str, usize)]) -> Self {
        let mut table = self.clone();
        for &(name, unit, power) in units {
            let index = table.header.iter().position(|text| bare(text) == name).unwrap();
            table.header[index] = format!("{name}({unit})");
            for row in &mut table.rows {
                row[index] = shifted(&row[index], power);
            }
        }
        table
    }
}
