//! The sizes of instance types.

/// Returns an instance type's processors and bytes of memory. Both follow from the name: the
/// family's letter gives the memory per processor, the size the number of processors. Types whose
/// names do not follow this rule give `None`.
pub fn size(instance_type: &str) -> Option<(u64, u64)> {
    let [_, family, size] = instance_type.split('.').collect::<Vec<_>>()[..] else { return None };
    // GiB per processor
    let memory = match (family, family.chars().next()?) {
        // these families do not follow the rule
        ("c4" | "c5n", _) => return None,
        ("t2" | "t3", _) if size == "medium" => 2,
        _ if size == "medium" => return None,
        (_, 'c') => 2,
        (_, 'm' | 't') => 4,
        (_, 'r') => 8,
        _ => return None,
    };
    let processors = match size {
        "medium" | "large" => 2,
        _ => {
            let times = size.strip_suffix("xlarge")?;
            let times: u64 = if times.is_empty() { 1 } else { times.parse().ok()? };
            // the largest instance types have 192 processors
            if times > 100 {
                return None;
            }
            4 * times
        }
    };
    Some((processors, (processors * memory) << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected sizes are from SageMaker's table of instance types.
    #[test]
    fn processors_and_memory_follow_from_the_name() {
        let known = [
            ("ml.t3.medium", 2, 4),
            ("ml.t3.2xlarge", 8, 32),
            ("ml.m5.large", 2, 8),
            ("ml.m5.4xlarge", 16, 64),
            ("ml.m5.24xlarge", 96, 384),
            ("ml.c5.xlarge", 4, 8),
            ("ml.c5.9xlarge", 36, 72),
            ("ml.r5.large", 2, 16),
        ];
        for (name, processors, memory) in known {
            assert_eq!(size(name), Some((processors, memory << 30)), "{name}");
        }
        for unknown in [
            "",
            "local",
            "ml.p3.2xlarge",
            "ml.m5.metal",
            "ml.m5.9999999999999999999xlarge",
            "ml.m5.99999999999999999999xlarge",
        ] {
            assert_eq!(size(unknown), None, "{unknown}");
        }
    }
}
