//! `orchestrator predict`: the rows of tables with a model's answers.

use serde_json::Value;
use testkit::Outcome;

use crate::{CONFIG, Place};

/// Calls `orchestrator predict` with [`CONFIG`] and the latest model.
fn predict(place: &Place, code: i32, arguments: &[&str]) -> Outcome {
    let model = ["predict", "--config", CONFIG, "--model", "latest"];
    place.orchestrator(&[&model, arguments].concat()).expect(code)
}

/// Returns the fields of the last columns of each line: what is predicted, and so on.
fn answers(scored: &str) -> Vec<[String; 5]> {
    let answer = |line: &str| {
        let mut fields: Vec<String> = line.rsplitn(6, ',').take(5).map(str::to_owned).collect();
        fields.reverse();
        fields.try_into().unwrap()
    };
    scored.lines().map(answer).collect()
}

#[test]
fn every_row_is_written_with_its_answer() {
    let place = Place::new();
    let result = place.json(0, &[]);
    let sample = place.orchestrator(&["sample", "--output", "-"]).expect(0).stdout;
    place.file("sample.csv", &sample);
    let printed = predict(&place, 0, &["--input", "sample.csv"]);
    let lines: Vec<&str> = printed.stdout.lines().collect();
    assert_eq!(lines.len(), 2501);
    // The order and the text of the rows are those of the table.
    for (line, row) in lines.iter().zip(sample.lines()) {
        assert!(line.starts_with(row), "{row}\n{line}");
    }
    let found = answers(&printed.stdout);
    let columns = ["predicted", "probability", "imputed", "unseen", "out_of_range"];
    assert_eq!(found[0], columns);
    // The model knows four fifths of the rows.
    let is_right = |(line, answer): (&&str, &[String; 5])| {
        line.contains(&format!(",{},", answer[0])) || line.contains(&format!(",{}\n", answer[0]))
    };
    let right = lines[1..].iter().zip(&found[1..]).filter(|pair| is_right(*pair)).count();
    assert!(right > 2400, "{right}");
    let failures = found.iter().filter(|answer| answer[0] == "Machine_Failure").count();
    let said = format!(
        "2500 rows scored by version 1 of group machine-downtime-model-group: {failures} predicted"
    );
    assert!(printed.stderr.contains(&said), "{}", printed.stderr);
    // Rows with a missing reading are answered, and say which it was.
    let missing = |answer: &&[String; 5]| !answer[2].is_empty();
    assert!(found[1..].iter().filter(missing).count() > 20, "{}", printed.stderr);
    assert!(printed.stderr.contains("missing readings: "), "{}", printed.stderr);

    // A file has the same bytes, and so has that of the archive by its path.
    predict(&place, 0, &["--input", "sample.csv", "--output", "scored.csv"]);
    assert_eq!(fs_err::read_to_string(place.path("scored.csv")).unwrap(), printed.stdout);
    let model = place.stored(&result["model_package"]["model_data_url"]);
    let arguments = ["predict", "--model", model.as_str(), "--input", "sample.csv"];
    assert_eq!(place.orchestrator(&arguments).expect(0).stdout, printed.stdout);

    // Any number of rows is answered, also one that fills the last group.
    for rows in [1, 511, 512, 1024] {
        let part: String = sample.lines().take(1 + rows).map(|line| format!("{line}\n")).collect();
        place.file("part.csv", part);
        let scored = predict(&place, 0, &["--input", "part.csv"]).stdout;
        assert!(scored.lines().eq(lines[..=rows].iter().copied()), "{rows}");
    }

    // A lower threshold predicts more failures with the same probabilities.
    let low = predict(&place, 0, &["--input", "sample.csv", "--threshold", "0.1"]).stdout;
    let low = answers(&low);
    assert!(low.iter().zip(&found).all(|(one, other)| one[1..] == other[1..]));
    assert!(low.iter().filter(|answer| answer[0] == "Machine_Failure").count() > failures);
}

#[test]
fn every_spelling_of_a_table_has_the_same_answers() {
    let place = Place::new();
    place.json(0, &[]);
    let sample = place.orchestrator(&["sample", "--rows", "300", "--output", "-"]).expect(0).stdout;
    let score = |bytes: &[u8]| {
        let input = place.file("spelling.csv", bytes);
        let scored = predict(&place, 0, &["--input", input.as_str()]).stdout;
        answers(&scored)[1..].to_vec()
    };
    let expected = score(sample.as_bytes());
    assert_eq!(expected.len(), 300);
    for spelling in testkit::spellings(&sample) {
        assert!(score(&spelling.bytes) == expected, "{}", spelling.name);
    }
    // The label is no input.
    let (header, rows) = sample.split_once('\n').unwrap();
    let place_of_label = header.split(',').position(|name| name == "Downtime").unwrap();
    let without = |line: &str| {
        let fields = line.split(',').enumerate().filter(|(index, _)| *index != place_of_label);
        fields.map(|(_, field)| field).collect::<Vec<_>>().join(",") + "\n"
    };
    let unlabelled: String = std::iter::once(header).chain(rows.lines()).map(without).collect();
    assert!(score(unlabelled.as_bytes()) == expected);
}

#[test]
fn explanations_add_up_to_the_probability() {
    let place = Place::new();
    place.json(0, &[]);
    let sample = place.orchestrator(&["sample", "--rows", "200", "--output", "-"]).expect(0).stdout;
    place.file("sample.csv", &sample);
    let plain = predict(&place, 0, &["--input", "sample.csv"]).stdout;
    let explained = predict(&place, 0, &["--input", "sample.csv", "--explain"]).stdout;
    let header: Vec<&str> = explained.lines().next().unwrap().split(',').collect();
    let base = header.iter().position(|name| *name == "base_value").unwrap();
    // A feature of one column counts with it; a feature of several columns counts alone.
    let names = ["shap_Hydraulic_Pressure", "shap_Cutting", "shap_Vibration_Ratio"];
    assert!(names.iter().all(|name| header[base + 1..].contains(name)), "{header:?}");
    assert!(!header.contains(&"shap_Pressure_Differential"), "{header:?}");
    assert_eq!(header.len() - base - 1, 14);
    for (plain, explained) in plain.lines().zip(explained.lines()).skip(1) {
        let rest = explained.strip_prefix(plain).and_then(|rest| rest.strip_prefix(',')).unwrap();
        let sum: f64 = rest.split(',').map(|number| number.parse::<f64>().unwrap()).sum();
        let probability: f64 = answers(plain)[0][1].parse().unwrap();
        assert!((sum - probability).abs() < 1e-12, "{explained}");
    }
}

#[test]
fn settings_say_what_becomes_of_rows_that_cannot_be_read() {
    let place = Place::new();
    let rows: String = (0..300)
        .map(|row| {
            let temperature = row * 37 % 101;
            format!("{temperature}.5,{},{}\n", row % 7, u8::from(temperature + row % 7 * 5 > 75))
        })
        .collect();
    let table = format!("Temp,Load,Failure\n{rows}(300 rows)\n");
    place.file("plant.csv", &table);
    place.orchestrator(&["init", "--input", "plant.csv", "--output", "plant.yaml"]).expect(0);
    place.orchestrator(&["run", "--config", "plant.yaml", "--input", "plant.csv"]).expect(0);
    let score = |code: i32, input: &str, arguments: &[&str]| {
        let call = ["predict", "--model", "1", "--input", input];
        place.orchestrator(&[&call, arguments].concat()).expect(code)
    };
    let named = score(0, "plant.csv", &["--config", "plant.yaml"]);
    assert_eq!(named.stdout.lines().count(), 301);
    let left_out =
        "left out: rows that cannot be read: 1, the first: plant.csv, line 302: the row has 1";
    assert!(named.stderr.contains(left_out), "{}", named.stderr);
    insta::assert_snapshot!(score(3, "plant.csv", &[]).stderr, @"error: plant.csv, line 302: the row has 1 fields, expected 3 as in the header");
    // A cell is missing, a unit that the model does not know is said, and totals lack a reading.
    place.file("new.csv", "Load,Temp [K]\nbad,300\n3,320\nTotal,\n7,310\n");
    insta::assert_snapshot!(score(3, "new.csv", &[]).stderr, @"error: new.csv, line 2, column `Load`: found `bad`, expected a number");
    let scored = score(0, "new.csv", &["--config", "plant.yaml"]);
    assert_eq!(answers(&scored.stdout)[1][2], "Load");
    insta::assert_snapshot!(scored.stderr, @"
    3 rows scored by version 1 of group plant-downtime-models: 3 predicted to fail (probability above 0.5)
    missing readings: Load 1
    numbers outside of the training rows' range: Temp 3, Load 1
    left out: rows of totals: 1
    warning: new.csv: column `Temp` is in K; the model knows no unit of it, and takes its numbers as they are
    warning: column `Temp`: 3 of 3 numbers are outside of the training rows' range; are the units and the decimal marks the same?
    ");
    for output in ["plant.yaml", "new.csv"] {
        score(2, "new.csv", &["--config", "plant.yaml", "--output", output]);
    }
}

#[test]
fn readings_that_are_missing_unseen_or_out_of_range_are_named() {
    let place = Place::new();
    let rows = (0..300).map(|row| {
        let temperature = row * 37 % 101;
        let fails = if temperature + row % 7 * 5 > 75 { "yes" } else { "no" };
        format!("{temperature}.5,{},{}\n", ["L", "M", "H"][row % 3], fails)
    });
    let table = format!("Temp [\u{b0}C],Type,Failure\n{}", rows.collect::<String>());
    place.file("plant.csv", table);
    place.orchestrator(&["init", "--input", "plant.csv", "--output", "plant.yaml"]).expect(0);
    place.orchestrator(&["run", "--config", "plant.yaml", "--input", "plant.csv"]).expect(0);
    // No settings are named, and the runs have one group.
    let new = "machine;Type;temp (\u{b0}F)\nM1;L;194,9\nM2;X;86,5\nM3;;\nM4;H;500\nTotal;;\n";
    place.file("new.csv", new);
    let arguments = ["predict", "--model", "latest", "--input", "new.csv"];
    let scored = place.orchestrator(&arguments).expect(0);
    insta::assert_snapshot!(scored.stdout, @r#"
    machine,Type,temp (°F),predicted,probability,imputed,unseen,out_of_range
    M1,L,"194,9",yes,1.0,,,
    M2,X,"86,5",no,0.0,,Type,
    M3,,,no,0.255,Temp; Type,,
    M4,H,500,yes,1.0,,,Temp
    "#);
    insta::assert_snapshot!(scored.stderr, @"
    4 rows scored by version 1 of group plant-downtime-models: 2 predicted to fail (probability above 0.5)
    missing readings: Temp 1, Type 1
    values that are in no training row: Type 1
    numbers outside of the training rows' range: Temp 1
    left out: rows of totals: 1
    read as: new.csv: fields are separated by `;`; the decimal mark is a comma
    ");
    let json = [&arguments[..], &["--output", "out.csv", "--json"]].concat();
    let json: Value = serde_json::from_str(&place.orchestrator(&json).expect(0).stdout).unwrap();
    assert_eq!(json["rows"]["rows"], 4);
    assert_eq!(json["rows"]["out_of_range"]["Temp"], 1);

    // Columns that have one name, or none, are kept.
    place.file("twice.csv", "note,Type,note,Temp,\na,L,b,90,c\n");
    let twice = ["predict", "--model", "latest", "--input", "twice.csv"];
    let scored_twice = place.orchestrator(&twice).expect(0).stdout;
    assert!(scored_twice.starts_with("note,Type,note,Temp,,predicted,"), "{scored_twice}");
    assert!(scored_twice.contains("\na,L,b,90,c,yes,"), "{scored_twice}");

    // A file in a directory that is no table is left out and named. Of tables with different columns the
    // output has all, and says which file a row is from.
    place.file("all/a.csv", new);
    place.file("all/README.txt", "These are tables.\n");
    let arguments = ["predict", "--model", "1", "--input", "all", "--output", "all.csv"];
    let summary = place.orchestrator(&arguments).expect(0).stdout;
    assert!(summary.contains("left out: README.txt"), "{summary}");
    assert_eq!(fs_err::read_to_string(place.path("all.csv")).unwrap(), scored.stdout);
    place.file("all/b.csv", "Shift,Type,Temp [K]\n\"a,b\",L,370\n");
    place.orchestrator(&arguments).expect(0);
    insta::assert_snapshot!(fs_err::read_to_string(place.path("all.csv")).unwrap(), @r#"
    file,machine,Type,temp (°F),Shift,Temp [K],predicted,probability,imputed,unseen,out_of_range
    a.csv,M1,L,"194,9",,,yes,1.0,,,
    a.csv,M2,X,"86,5",,,no,0.0,,Type,
    a.csv,M3,,,,,no,0.255,Temp; Type,,
    a.csv,M4,H,500,,,yes,1.0,,,Temp
    b.csv,,L,,"a,b",370,yes,1.0,,,
    "#);
}

#[test]
fn what_cannot_be_scored_is_an_error_that_leaves_the_output_alone() {
    let place = Place::new();
    place.json(0, &[]);
    let sample = place.orchestrator(&["sample", "--rows", "20", "--output", "-"]).expect(0).stdout;
    let bad = sample.replacen("\n", "\n#", 1);
    place.file("good.csv", &sample);
    let (header, first) = sample.split_once('\n').unwrap();
    place.file("cut.csv", format!("{header}\n{first}1,2\n"));
    place.file("bad.csv", bad.replace('#', "x"));
    place.file("other.csv", "a,b\n1,2\n");
    place.file("empty.csv", format!("{header}\n"));
    place.file("out.csv", "kept\n");
    place.file("model.tar.gz", "no model");
    let error = |code: i32, arguments: &[&str]| {
        let outcome = predict(&place, code, &[arguments, &["--output", "out.csv"]].concat());
        assert_eq!(outcome.stdout, "");
        assert_eq!(fs_err::read_to_string(place.path("out.csv")).unwrap(), "kept\n");
        place.neutral(&outcome.stderr)
    };
    insta::assert_snapshot!(error(3, &["--input", "cut.csv"]), @"error: cut.csv, line 22: the row has 2 fields, expected 16 as in the header");
    insta::assert_snapshot!(error(3, &["--input", "other.csv"]), @"error: other.csv lacks column `Hydraulic_Pressure`, column `Coolant_Pressure`, column `Air_System_Pressure`, column `Coolant_Temperature`, column `Hydraulic_Oil_Temperature`, column `Spindle_Bearing_Temperature`, column `Spindle_Vibration`, column `Tool_Vibration`, column `Spindle_Speed`, column `Voltage`, column `Torque`, column `Cutting`; columns found: a, b");
    insta::assert_snapshot!(error(3, &["--input", "empty.csv"]), @"error: there are no rows in empty.csv, expected some below the header");
    insta::assert_snapshot!(error(3, &["--input", "missing.csv"]), @"error: --input missing.csv: there is no such file or directory");
    insta::assert_snapshot!(error(2, &["--input", "good.csv", "--threshold", "1.5"]), @"error: --threshold 1.5: expected a probability from 0 to 1");
    insta::assert_snapshot!(error(2, &["--input", "out.csv"]), @"error: --output out.csv is the table out.csv itself, expected another file");
    let other = |code: i32, arguments: &[&str]| {
        let arguments = [&["predict", "--input", "good.csv"], arguments].concat();
        place.neutral(&place.orchestrator(&arguments).expect(code).stderr)
    };
    insta::assert_snapshot!(other(2, &["--model", "9"]), @"error: model package of version 9 in group machine-downtime-model-group (versions there: 1) does not exist");
    insta::assert_snapshot!(other(2, &["--model", "approved"]), @"error: model package with status Approved in group machine-downtime-model-group (versions there: 1) does not exist; `orchestrator models approve VERSION --local` approves one");
    insta::assert_snapshot!(other(2, &["--model", "best"]), @"error: version `best`: expected a number, `latest` or `approved`");
    insta::assert_snapshot!(other(2, &["--model", "1", "--group", "none"]), @"error: model package group `none` does not exist");
    insta::assert_snapshot!(other(2, &["--model", "1", "--runs", "nowhere"]), @"error: there is no registered model in nowhere; --runs names another directory, and `run` registers a model");
    insta::assert_snapshot!(other(2, &["--model", "1", "--json"]), @"error: --json prints what became of the rows, so --output must name a file for them");
    insta::assert_snapshot!(other(3, &["--model", "model.tar.gz"]), @"error: model.tar.gz is no model: the archive is not a gzipped tar, or is damaged: unexpected end of file");
    insta::assert_snapshot!(other(2, &["--model", "no.tar.gz"]), @"error: failed to open file `no.tar.gz`: No such file or directory (os error 2)");
}

/// A version records the digest of the model that was evaluated; those of earlier programs do not.
#[test]
fn a_model_that_was_replaced_is_refused() {
    let place = Place::new();
    let result = place.json(0, &["-p", "NEstimators=10"]);
    place.orchestrator(&["sample", "--rows", "50", "--output", "sample.csv"]).expect(0);
    let model = place.stored(&result["model_package"]["model_data_url"]);
    let archive = fs_err::read(&model).unwrap();
    let digest = common::sha256_hex(&archive);
    assert_eq!(result["model_package"]["metadata"]["model_digest"], digest);
    let shown = place.orchestrator(&["models", "show", "1", "--local"]).expect(0).stdout;
    assert!(shown.contains(&format!("\nmodel digest         {digest}\n")), "{shown}");
    assert_eq!(shown.matches(&digest).count(), 1, "{shown}");
    let said = predict(&place, 0, &["--input", "sample.csv"]).stderr;
    assert!(!said.contains("digest"), "{said}");

    // It would still be read as a model.
    fs_err::write(&model, [&archive[..], b"replaced"].concat()).unwrap();
    let replaced = common::sha256_hex(fs_err::read(&model).unwrap());
    let refused = predict(&place, 3, &["--input", "sample.csv"]).stderr;
    let uri = result["model_package"]["model_data_url"].as_str().unwrap();
    assert_eq!(
        refused,
        format!(
            "error: {uri} has the SHA-256 {replaced}, and the model of version 1 of group \
             machine-downtime-model-group had {digest} when it was evaluated\n"
        )
    );
    let models = |code: i32, arguments: [&str; 2]| {
        place.orchestrator(&["models", arguments[0], arguments[1], "--local"]).expect(code)
    };
    for using in [&["reproduce", "1", "--local"][..], &["models", "approve", "1", "--local"]] {
        assert_eq!(place.orchestrator(using).expect(3).stderr, refused);
    }
    let shown = models(0, ["show", "1"]).stdout;
    assert!(shown.contains(&format!("\nmodel file           replaced: {uri} has ")), "{shown}");
    // Whoever rejects it need not have it.
    fs_err::remove_file(&model).unwrap();
    let lost = place.neutral(&models(3, ["approve", "1"]).stderr);
    insta::assert_snapshot!(lost, @"error: the model of version 1 of group machine-downtime-model-group is at s3://machine-downtime-2/model-artifacts/<id>/pipelines-<id>-Train/output/model.tar.gz, which cannot be read: failed to open file `runs/s3/machine-downtime-2/model-artifacts/<id>/pipelines-<id>-Train/output/model.tar.gz`: No such file or directory (os error 2)");
    let shown = models(0, ["show", "1"]).stdout;
    assert!(shown.contains("\nmodel file           unreadable: failed to open "), "{shown}");
    place.orchestrator(&["models", "reject", "1", "--local", "--reason", "lost"]).expect(0);
    fs_err::write(&model, archive).unwrap();
    let approved = models(0, ["approve", "1"]);
    assert!(approved.stdout.ends_with(": Approved\n"), "{approved:?}");
    let shown = models(0, ["show", "1"]).stdout;
    assert!(shown.contains("\nmodel file           intact\n"), "{shown}");

    let file = place.path("runs/registry/machine-downtime-model-group/1/model_package.json");
    let package = crate::without_seal(&fs_err::read_to_string(&file).unwrap());
    fs_err::write(&file, package.replace("\"model_digest\"", "\"other_digest\"")).unwrap();
    let said = predict(&place, 0, &["--input", "sample.csv"]).stderr;
    assert!(said.contains("; its digest is not recorded, so that nobody can tell "), "{said}");
    let shown = place.orchestrator(&["models", "show", "1", "--local"]).expect(0).stdout;
    assert!(shown.contains("\nmodel digest         not recorded\n"), "{shown}");
    assert!(shown.contains("\nmodel file           unrecorded\n"), "{shown}");
}
