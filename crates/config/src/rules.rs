//! Rules for single values, which know nothing of the settings as a whole.

/// Fails with `expected` if the value is wrong.
pub(crate) fn unless(wrong: bool, expected: &str) -> garde::Result {
    if wrong { Err(garde::Error::new(format!("expected {expected}"))) } else { Ok(()) }
}

pub(crate) fn is_share(&share: &f64, _: &()) -> garde::Result {
    unless(!(share > 0.0 && share < 1.0), "a number between 0 and 1, both excluded")
}

pub(crate) fn is_not_nan(number: &f64, _: &()) -> garde::Result {
    unless(number.is_nan(), "a number")
}

pub(crate) fn is_not_blank(name: &str, _: &()) -> garde::Result {
    unless(name.trim().is_empty(), "a column's name")
}

pub(crate) fn is_alarm(name: &str, _: &()) -> garde::Result {
    unless(name.trim().is_empty(), "an alarm's name")
}

/// Accepts an S3 key or prefix.
pub(crate) fn is_object_key(key: &str, _: &()) -> garde::Result {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!_.*'()/=-".contains(c);
    let wrong =
        key.is_empty() || key.starts_with('/') || key.contains("//") || !key.chars().all(plain);
    let climbs = key.split('/').any(|part| part == "." || part == "..");
    unless(
        wrong || climbs || key.len() > 512,
        "a key or prefix such as raw/table.csv, without s3:// or the bucket",
    )
}

/// Accepts the name of an S3 bucket, and no alias of one: policies and templates name it, too.
pub(crate) fn is_bucket(name: &str, _: &()) -> garde::Result {
    unless(
        !common::is_new_bucket_name(name),
        "3 to 63 lower-case letters, digits, dots and hyphens, the first and the last a letter or digit, no dots side \
         by side, no IP address, and none of what S3 reserves: xn--, sthree- or amzn-s3-demo- first, -s3alias, \
         --ol-s3, .mrap, --x-s3 or --table-s3 last",
    )
}

/// Accepts the name of an ECR repository.
pub(crate) fn is_repository(name: &str, _: &()) -> garde::Result {
    let word = |w: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        w.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && w.chars().all(inner)
    };
    let right = name.len() >= 2 && name.len() <= 256 && name.split('/').all(word);
    unless(!right, "an ECR repository such as machine-downtime/train")
}

pub(crate) const INSTANCE_TYPE: &str = "an instance type such as ml.m5.large";

pub(crate) fn is_instance_type(name: &str) -> bool {
    let parts: Vec<_> = name.split('.').collect();
    let is_word = |word: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !word.is_empty() && word.chars().all(plain)
    };
    matches!(parts[..], ["ml", family, size] if is_word(family) && is_word(size))
}

pub(crate) const TAG: &str = "letters, digits, spaces and _ . : / = + - @, which are all that SageMaker \
                              takes in a tag";

/// Accepts the characters of SageMaker's pattern for keys and values of tags,
/// `^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`.
pub(crate) fn is_tag_character(c: char) -> bool {
    // The separators Z are the white space that is no control character. Two of them end a line.
    let is_separator = c.is_whitespace() && !c.is_control() && !"\u{2028}\u{2029}".contains(c);
    c.is_alphanumeric() || is_separator || "_.:/=+-@".contains(c)
}

pub(crate) const COLUMN_NAME: &str = "at most 100 letters, digits and _, no digit first";

pub(crate) fn is_column_name(name: &str) -> bool {
    let letter = |c: char| c.is_alphabetic() || c == '_';
    name.starts_with(letter)
        && name.chars().all(|c| letter(c) || c.is_numeric())
        && name.chars().count() <= 100
}

/// The expected number of instances of Preprocess and of Evaluate, for messages.
pub const ONE_INSTANCE: &str = "1, because the step works on the whole table at once";

/// Checks that `count` instances can train a forest of `n_estimators` trees, of which each instance
/// grows at least one.
///
/// # Errors
/// The expected number of instances, as text.
pub fn training_instances(count: u32, n_estimators: u32) -> Result<(), String> {
    // A forest without trees is reported by the rule of n_estimators.
    if (1..=n_estimators.clamp(1, 100)).contains(&count) {
        return Ok(());
    }
    Err(format!("1 to 100, and no more than the {n_estimators} trees of n_estimators"))
}
