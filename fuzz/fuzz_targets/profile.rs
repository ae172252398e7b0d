//! Profiles tables that nobody has declared: several files, divided at form feeds.

#![no_main]

use std::collections::BTreeSet;
use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use profile::{ProfileError, Profiler, TableProfile, Wishes};

fn profile(data: &[u8]) -> Result<TableProfile, ProfileError> {
    let mut profiler = Profiler::new();
    for (index, file) in data.splitn(3, |&byte| byte == b'\x0c').enumerate() {
        profiler.read_file(&format!("{index}.csv"), Cursor::new(file))?;
    }
    profiler.finish(&Wishes::default())
}

fuzz_target!(|data: &[u8]| {
    let Ok(found) = profile(data) else { return };
    assert!(found.used().count() > 0);
    assert!(found.label.failures > 1 && found.label.sound > 1);
    let names: Vec<&str> = found.used().map(|column| column.name.as_str()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    for gate in found.gates.iter().flat_map(|gates| &gates.gates) {
        assert!((0.0..=1.0).contains(&gate.minimum), "{gate:?}");
    }
    let again = profile(data).expect("the same bytes give the same profile");
    assert_eq!(format!("{found:?}"), format!("{again:?}"));
});
