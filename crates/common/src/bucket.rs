//! Names of S3 buckets.

use std::net::Ipv4Addr;

/// Returns whether S3 takes the name for a bucket: 3 to 63 lower-case letters, digits, hyphens and dots, a letter
/// or a digit first and last, no dots side by side, and no IP address.
pub fn is_bucket_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [name.bytes().next(), name.bytes().last()];
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| is_plain(byte) || matches!(byte, b'-' | b'.'))
        && ends.into_iter().all(|end| end.is_some_and(is_plain))
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_have_the_names_that_s3_takes() {
        for name in ["abc", "plant-7", "a.b.c", "1.2.3", "192.168.0.1.x", &"a".repeat(63)] {
            assert!(is_bucket_name(name), "{name}");
        }
        let long = "a".repeat(64);
        for name in [
            "",
            "ab",
            &long,
            "a..b",
            "192.168.0.1",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "Abc",
            "a_b",
            "a b",
            "a/b",
            "abc\n",
            "\u{e9}ab",
        ] {
            assert!(!is_bucket_name(name), "{name:?}");
        }
    }
}
