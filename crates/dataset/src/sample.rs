//! Generates a synthetic table of the sensors of three machine tools. None of its rows was
//! measured.
//!
//! Each row begins as a machine without a failure: the spindle has a nearly constant power, so
//! torque falls as speed rises, and the other readings vary around their set points. Half of the
//! rows then get one of four failures, which changes some of the readings:
//!
//! | failure | share | changed readings |
//! |---|---|---|
//! | hydraulic leak | 35 % | hydraulic pressure falls |
//! | blunt tool | 30 % | cutting force rises, hydraulic pressure falls a little |
//! | blocked coolant | 20 % | coolant pressure falls, coolant temperature rises |
//! | slipping spindle | 15 % | spindle speed rises, torque falls |
//!
//! The readings of machines with and without a failure overlap a little and one label in a hundred
//! is wrong, so that a good model has an accuracy of 95 to 99 %. One cell in 250 is empty.

use std::io::{self, BufWriter, Write};

use rand::RngCore;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

const HEADER: &str = "Date,Machine_ID,Assembly_Line_No,Hydraulic_Pressure(bar),\
    Coolant_Pressure(bar),Air_System_Pressure(bar),Coolant_Temperature(°C),\
    Hydraulic_Oil_Temperature(°C),Spindle_Bearing_Temperature(°C),Spindle_Vibration(µm),\
    Tool_Vibration(µm),Spindle_Speed(RPM),Voltage(volts),Torque(Nm),Cutting(kN),Downtime";
const MACHINES: [&str; 3] =
    ["Mill-L1-Unit1,Line-1", "Mill-L2-Unit1,Line-2", "Lathe-L3-Unit1,Line-3"];
/// The number of decimals of each sensor, in the order of the header.
const DECIMALS: [usize; 12] = [2, 3, 3, 1, 1, 1, 3, 2, 0, 0, 2, 2];

// The indices of the readings that failures change.
const HYDRAULIC_PRESSURE: usize = 0;
const COOLANT_PRESSURE: usize = 1;
const COOLANT_TEMPERATURE: usize = 3;
const SPINDLE_SPEED: usize = 8;
const TORQUE: usize = 10;
const CUTTING: usize = 11;

/// Writes a header and `rows` rows as CSV. The same seed gives the same bytes, and a longer table
/// begins with the rows of a shorter one.
///
/// # Errors
/// Returns the errors of `out`.
pub fn write(out: impl Write, rows: u64, seed: u64) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let mut random = Random(Xoshiro256PlusPlus::seed_from_u64(seed));
    writeln!(out, "{HEADER}")?;
    for row in 0..rows {
        let machine = MACHINES[(row % 3) as usize];
        // The dates start again after ten years.
        let (year, month, day) = date(row / 3 % 3_652);
        write!(out, "{day:02}-{month:02}-{year},{machine}")?;
        let (readings, failed) = random.readings();
        for (reading, decimals) in readings.iter().zip(DECIMALS) {
            if random.one_in(250) {
                out.write_all(b",")?;
            } else {
                write!(out, ",{reading:.decimals$}")?;
            }
        }
        let failed = failed != random.one_in(100);
        out.write_all(if failed { b",Machine_Failure\n" } else { b",No_Machine_Failure\n" })?;
    }
    out.flush()
}

struct Random(Xoshiro256PlusPlus);

impl Random {
    /// Returns a uniform number from 0 to 1, excluding 1.
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns true with probability 1 / `count`.
    fn one_in(&mut self, count: u32) -> bool {
        self.uniform() * f64::from(count) < 1.0
    }

    /// Returns a nearly normal number: the sum of twelve uniform numbers has variance 1. It takes
    /// additions only, so it has the same bits on every machine, unlike a logarithm.
    fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.uniform()).sum();
        mean + (sum - 6.0) * deviation
    }

    /// Returns the readings of one machine on one day, and whether it failed.
    fn readings(&mut self) -> ([f64; 12], bool) {
        let speed = self.normal(19_200.0, 2_300.0);
        let mut readings = [
            self.normal(122.0, 12.0),
            self.normal(5.0, 0.4),
            self.normal(6.5, 0.41),
            self.normal(18.5, 4.0),
            self.normal(47.6, 3.77),
            self.normal(35.1, 3.76),
            self.normal(1.01, 0.34),
            self.normal(25.4, 6.4),
            speed,
            self.normal(349.0, 45.3),
            self.normal(520_000.0 / speed, 1.5),
            self.normal(2.3, 0.26),
        ];
        if self.uniform() >= 0.505 {
            return (readings, false);
        }
        match self.uniform() {
            share if share < 0.35 => {
                readings[HYDRAULIC_PRESSURE] = self.normal(76.0, 9.0);
            }
            share if share < 0.65 => {
                readings[CUTTING] = self.normal(3.4, 0.2);
                readings[HYDRAULIC_PRESSURE] -= 8.0;
            }
            share if share < 0.85 => {
                readings[COOLANT_PRESSURE] = self.normal(3.4, 0.3);
                readings[COOLANT_TEMPERATURE] = self.normal(31.0, 2.5);
            }
            _ => {
                readings[SPINDLE_SPEED] = self.normal(26_400.0, 700.0);
                readings[TORQUE] = self.normal(14.5, 1.6);
            }
        }
        (readings, true)
    }
}

/// Returns the year, month and day `days` after 1 January 2022. The leap year rule holds until
/// 2100.
fn date(mut days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| year.is_multiple_of(4);
    let mut year = 2022;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(rows: u64, seed: u64) -> String {
        let mut out = Vec::new();
        write(&mut out, rows, seed).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_longer_table_begins_with_the_rows_of_a_shorter_one() {
        assert!(text(500, 42).starts_with(&text(100, 42)));
        assert_ne!(text(100, 42), text(100, 43));
        assert_eq!(text(0, 1).lines().count(), 1);
    }

    #[test]
    fn dates_match_the_calendar() {
        assert_eq!(date(0), (2022, 1, 1));
        assert_eq!(date(31), (2022, 2, 1));
        assert_eq!(date(364), (2022, 12, 31));
        // 2024 is a leap year: 365 + 365 + 31 + 28 days on it is the 29th of February.
        assert_eq!(date(789), (2024, 2, 29));
        assert_eq!(date(3_651), (2031, 12, 31));
    }

    #[test]
    fn half_of_the_rows_fail_and_few_cells_are_empty() {
        let text = text(10_000, 7);
        let rows = || text.lines().skip(1);
        let failures = rows().filter(|row| row.ends_with(",Machine_Failure")).count();
        // 50.5 % fail and 1 % of the labels are wrong: 0.505 * 0.99 + 0.495 * 0.01 = 0.5049, so
        // 5,049 of 10,000; the standard deviation is 50.
        assert!(failures.abs_diff(5_049) < 250, "{failures}");
        let empty: usize = rows().map(|row| row.matches(",,").count()).sum();
        // 120,000 cells / 250 = 480; two empty neighbours may be counted as one.
        assert!(empty.abs_diff(480) < 110, "{empty}");
    }
}
