//! The spellings of a table, by hand.

use testkit::spellings;

const TABLE: &str = "Hydraulic_Pressure(bar),Spindle_Vibration(µm),Cutting(kN),Downtime\n\
    112.5,0.98,,Machine_Failure\n";

#[test]
fn every_spelling_is_another_file() {
    let mut files: Vec<_> = spellings(TABLE).into_iter().map(|spelling| spelling.bytes).collect();
    let count = files.len();
    files.sort();
    files.dedup();
    assert_eq!(files.len(), count);
    assert!(count >= 25, "{count}");
}

#[test]
fn spellings_by_hand() {
    let spellings = spellings(TABLE);
    let found = |name: &str| {
        let spelling = spellings.iter().find(|spelling| spelling.name == name).unwrap();
        String::from_utf8_lossy(&spelling.bytes).replace('\r', "<CR>").replace('\u{FEFF}', "<BOM>")
    };
    insta::assert_snapshot!(found("no units"), @"
    Hydraulic_Pressure,Spindle_Vibration,Cutting,Downtime
    112.5,0.98,,Machine_Failure
    ");
    // The byte 0xb5 of Latin-1 is not UTF-8.
    insta::assert_snapshot!(found("units in Latin-1"), @"
    Hydraulic_Pressure(bar),Spindle_Vibration(�m),Cutting(kN),Downtime
    112.5,0.98,,Machine_Failure
    ");
    insta::assert_snapshot!(found("units that were lost"), @"
    Hydraulic_Pressure(bar),Spindle_Vibration(?m),Cutting(kN),Downtime
    112.5,0.98,,Machine_Failure
    ");
    insta::assert_snapshot!(found("a byte-order mark and quotes"), @r#"
    <BOM>"Hydraulic_Pressure(bar)","Spindle_Vibration(µm)","Cutting(kN)","Downtime"
    "112.5","0.98","","Machine_Failure"
    "#);
    insta::assert_snapshot!(found("CRLF"), @"
    Hydraulic_Pressure(bar),Spindle_Vibration(µm),Cutting(kN),Downtime<CR>
    112.5,0.98,,Machine_Failure<CR>
    ");
    insta::assert_snapshot!(found("an index"), @"
    ,Hydraulic_Pressure(bar),Spindle_Vibration(µm),Cutting(kN),Downtime
    0,112.5,0.98,,Machine_Failure
    ");
    insta::assert_snapshot!(found("columns backwards"), @"
    Downtime,Cutting(kN),Spindle_Vibration(µm),Hydraulic_Pressure(bar)
    Machine_Failure,,0.98,112.5
    ");
    // 112.5 bar are 11,250,000 Pa.
    insta::assert_snapshot!(found("pascal and newton"), @"
    Hydraulic_Pressure(Pa),Spindle_Vibration(µm),Cutting(N),Downtime
    11250000,0.98,,Machine_Failure
    ");
}
