//! Names of S3 buckets.

/// The beginnings that S3 keeps for itself.
const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
/// The ends by which S3 knows what is no bucket of the common kind: aliases of access points, and the buckets of
/// one zone and of tables.
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Returns whether the name can stand for a bucket in an address: 3 to 63 lower-case letters, digits, hyphens and
/// dots, a letter or a digit first and last, no dots side by side, nothing that looks like an IP address, and none
/// of the beginnings that S3 keeps for itself, such as `xn--`. It may be the alias of an access point, such as
/// `plant-k3x7-s3alias`, which S3 takes in place of a bucket.
pub fn is_bucket_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [name.bytes().next(), name.bytes().last()];
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| is_plain(byte) || matches!(byte, b'-' | b'.'))
        && ends.into_iter().all(|end| end.is_some_and(is_plain))
        && !name.contains("..")
        && !looks_like_ip(name)
        && !RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Returns whether S3 makes a bucket of the name: [`is_bucket_name`], and without the ends that S3 keeps for
/// aliases and for other kinds of buckets, such as `-s3alias`.
pub fn is_new_bucket_name(name: &str) -> bool {
    is_bucket_name(name) && !RESERVED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// Returns whether a name is four numbers of one to three digits, `010.010.010.010` for one, whatever they are.
fn looks_like_ip(name: &str) -> bool {
    let is_number = |part: &str| part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    name.split('.').count() == 4 && name.split('.').all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_have_the_names_that_s3_takes() {
        let longest = "a".repeat(63);
        for name in [
            "abc",
            "plant-7",
            "a.b.c",
            "1.2.3",
            "192.168.0.1.x",
            "1921.168.0.1",
            &longest,
            // They only begin or end like what is kept.
            "xn-a",
            "sthree",
            "amzn-s3-dem",
            "my-xn--a",
            "s3alias",
            "mrap",
            "plant--x-s3-7",
        ] {
            assert!(is_bucket_name(name) && is_new_bucket_name(name), "{name}");
        }
        let long = "a".repeat(64);
        for name in [
            "",
            "ab",
            &long,
            "a..b",
            "192.168.0.1",
            "010.010.010.010",
            "999.0.0.1",
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
            "xn--plant",
            "sthree-plant",
            "sthree-configurator",
            "amzn-s3-demo-bucket",
        ] {
            assert!(!is_bucket_name(name) && !is_new_bucket_name(name), "{name:?}");
        }
        for name in [
            "plant-s3alias",
            "plant--ol-s3",
            "plant.mrap",
            "plant--use1-az4--x-s3",
            "plant--table-s3",
        ] {
            assert!(is_bucket_name(name) && !is_new_bucket_name(name), "{name:?}");
        }
    }
}
