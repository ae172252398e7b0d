//! Test rows that cannot be read.

use crate::job::{SAMPLE, TEST, refused, refused_files, rows};

/// Runs a job over changed test rows, which must make it fail, and returns its message.
fn refused_rows(change: impl FnOnce(&mut Vec<String>)) -> String {
    refused_files(|files| files.test = rows(change).into_bytes())
}

/// Returns a line with one field, counted from 0, changed.
fn with_field(line: &str, field: usize, value: &str) -> String {
    let mut fields: Vec<_> = line.split(',').collect();
    fields[field] = value;
    fields.join(",")
}

#[test]
fn missing_test_rows() {
    let sandbox = SAMPLE.job();
    fs_err::remove_file(sandbox.path(TEST)).unwrap();
    insta::assert_snapshot!(refused(&sandbox, 3, &[]), @"cannot read an input: failed to open file `/opt/ml/processing/test/test.csv`: No such file or directory (os error 2)");
}

#[test]
fn test_rows_that_cannot_be_read() {
    insta::assert_snapshot!(refused_rows(|lines| lines[3] = with_field(&lines[3], 9, "broken")), @"/opt/ml/processing/test/test.csv, line 4, column `Voltage`: found `broken`, expected a finite number");
    insta::assert_snapshot!(refused_rows(|lines| lines[3] = with_field(&lines[3], 15, "yes")), @"/opt/ml/processing/test/test.csv, line 4, column `label`: found `yes`, expected 0 or 1");
    insta::assert_snapshot!(refused_rows(|lines| lines[3].push_str(",0")), @"/opt/ml/processing/test/test.csv, line 4: the row has 17 fields, expected 16 as in the header");
    insta::assert_snapshot!(refused_rows(|lines| lines[0] = with_field(&lines[0], 0, "Pressure")), @"/opt/ml/processing/test/test.csv has column 1 `Pressure`, expected `Hydraulic_Pressure` as in the recipe");
    insta::assert_snapshot!(refused_rows(|lines| lines.truncate(1)), @"/opt/ml/processing/test/test.csv has a header and no rows");
    insta::assert_snapshot!(refused_rows(Vec::clear), @"/opt/ml/processing/test/test.csv is empty, expected a header line");
}
