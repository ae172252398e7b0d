//! The spellings of one table in real exports.

use std::collections::BTreeMap;

/// The cells of a table.
#[derive(Clone)]
struct Cells {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// One way in which an export may spell a table.
#[derive(Clone, Debug)]
pub struct Spelling {
    /// What is particular about it, for the messages of tests.
    pub name: &'static str,
    /// The contents of the CSV file.
    pub bytes: Vec<u8>,
}

/// Returns the CSV text of a machine table in every spelling that real exports use: headers with and
/// without units, encodings, line ends, an index column, orders of the columns, label words and
/// units of measurement. Every one of them holds the same readings and labels, so a pipeline must
/// make the same model of each.
///
/// The text must be free of quotes, its labels `Machine_Failure` and `No_Machine_Failure`, its
/// pressures in bar and its forces in kN. Columns that it lacks are not converted.
pub fn spellings(text: &str) -> Vec<Spelling> {
    let table = Cells::parse(text);
    let bare = table.with_names(|name| name.to_owned());
    let units = table.with_names(|name| with_unit(name, "°", "µ"));
    let utf_8 = |table: &Cells| table.to_text().into_bytes();
    let latin_1 =
        |table: &Cells| table.to_text().chars().map(|c| u8::try_from(c).unwrap()).collect();
    let in_words = |name: &str| format!(" {} ", name.to_lowercase().replace('_', " "));
    let or_nan = |cell: &str| if cell.is_empty() { "NaN" } else { cell }.to_owned();
    let small_units = [
        ("Hydraulic_Pressure", "Pa", 5),
        ("Coolant_Pressure", "Pa", 5),
        ("Air_System_Pressure", "Pa", 5),
        ("Cutting", "N", 3),
    ];
    let spellings = [
        ("no units", utf_8(&bare)),
        ("units in UTF-8", utf_8(&units)),
        ("units in Latin-1", latin_1(&units)),
        ("units that were lost", utf_8(&table.with_names(|name| with_unit(name, "?", "?")))),
        (
            "Cutting_Force",
            utf_8(&units.with_headers(|header| header.replace("Cutting", "Cutting_Force"))),
        ),
        ("lower case and blanks", utf_8(&bare.with_headers(in_words))),
        ("a byte-order mark", format!("\u{FEFF}{text}").into_bytes()),
        (
            "a byte-order mark and quotes",
            format!("\u{FEFF}{}", units.quoted().to_text()).into_bytes(),
        ),
        ("CRLF", text.replace('\n', "\r\n").into_bytes()),
        ("no last line end", text.trim_end().to_owned().into_bytes()),
        ("blank lines", text.replacen('\n', "\n\n", 40).into_bytes()),
        ("an index", utf_8(&table.indexed(""))),
        ("an index that was read and written again", utf_8(&table.indexed("Unnamed: 0"))),
        ("columns backwards", utf_8(&table.permuted(|columns| columns.reverse()))),
        ("the label first", utf_8(&table.permuted(|columns| columns.rotate_right(1)))),
        ("yes and no", utf_8(&table.with_labels("yes", "no"))),
        ("Yes and NO with blanks", utf_8(&table.with_labels(" Yes ", "NO  "))),
        ("1 and 0", utf_8(&table.with_labels("1", "0"))),
        ("1.0 and 0.0", utf_8(&table.with_labels("1.0", "0.0"))),
        (
            "labels in upper case",
            utf_8(&table.with_labels("MACHINE_FAILURE", "NO_MACHINE_FAILURE")),
        ),
        (
            "labels with blanks",
            utf_8(&table.with_labels(" Machine_Failure", "No_Machine_Failure ")),
        ),
        ("pascal and newton", utf_8(&table.in_units(&small_units))),
        ("kilopascal", utf_8(&table.in_units(&[("Hydraulic_Pressure", "kPa", 2)]))),
        ("missing cells in words", utf_8(&table.with_cells(or_nan))),
        ("blanks around cells", utf_8(&table.with_cells(|cell| format!(" {cell} ")))),
    ];
    spellings.map(|(name, bytes)| Spelling { name, bytes }).into()
}

/// Returns the header of a column with its unit, `degree` and `micro` being the spellings of `°` and
/// `µ`.
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

/// Returns a header without its unit.
fn without_unit(header: &str) -> &str {
    header.split('(').next().unwrap().trim()
}

/// Multiplies a decimal number by ten to a power by moving its point, which rounds nothing.
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
    fn parse(text: &str) -> Self {
        let mut lines =
            text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        Self { header: lines.next().unwrap(), rows: lines.collect() }
    }

    fn to_text(&self) -> String {
        let lines = std::iter::once(&self.header).chain(&self.rows);
        lines.map(|cells| cells.join(",") + "\n").collect()
    }

    /// Replaces each header by what `header` makes of its name without unit.
    fn with_names(&self, header: impl Fn(&str) -> String) -> Self {
        self.with_headers(|text| header(without_unit(text)))
    }

    /// Replaces each header.
    fn with_headers(&self, header: impl Fn(&str) -> String) -> Self {
        let header = self.header.iter().map(|text| header(text)).collect();
        Self { header, rows: self.rows.clone() }
    }

    /// Replaces each cell below the header.
    fn with_cells(&self, cell: impl Fn(&str) -> String) -> Self {
        let rows = self.rows.iter().map(|row| row.iter().map(|text| cell(text)).collect());
        Self { header: self.header.clone(), rows: rows.collect() }
    }

    fn with_labels(&self, failure: &str, no_failure: &str) -> Self {
        self.with_cells(|text| match text {
            "Machine_Failure" => failure.to_owned(),
            "No_Machine_Failure" => no_failure.to_owned(),
            other => other.to_owned(),
        })
    }

    fn quoted(&self) -> Self {
        let quoted = |text: &str| format!("\"{text}\"");
        self.with_headers(quoted).with_cells(quoted)
    }

    /// Puts a column of row numbers in front.
    fn indexed(&self, name: &str) -> Self {
        let mut table = self.clone();
        table.header.insert(0, name.to_owned());
        for (index, row) in table.rows.iter_mut().enumerate() {
            row.insert(0, index.to_string());
        }
        table
    }

    /// Applies one permutation to the header and to every row.
    fn permuted(&self, permute: impl Fn(&mut Vec<String>)) -> Self {
        let mut table = self.clone();
        permute(&mut table.header);
        table.rows.iter_mut().for_each(permute);
        table
    }

    /// Converts columns, given by name, to units that are smaller by ten to a power.
    fn in_units(&self, units: &[(&str, &str, usize)]) -> Self {
        let mut table = self.clone();
        for &(name, unit, power) in units {
            let index = table.header.iter().position(|text| without_unit(text) == name);
            let Some(index) = index else { continue };
            table.header[index] = format!("{name}({unit})");
            for row in &mut table.rows {
                row[index] = shifted(&row[index], power);
            }
        }
        table
    }
}
