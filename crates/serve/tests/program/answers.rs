//! Requests and their answers.

use std::process::Command;

use testkit::{Outcome, Sandbox, executable};

use crate::server::{RECORD, Server, sample, tree};

const CSV: &str = "text/csv";
const JSON: &str = "application/json";
const JSON_LINES: &str = "application/jsonlines";

#[test]
fn the_contract_is_kept() {
    let server = Server::start();
    let ping = server.request("GET", "/ping", "", b"").expect(200);
    assert_eq!(ping.body, "");
    let parameters = server.request("GET", "/execution-parameters", "", b"").expect(200).json();
    assert_eq!(parameters["BatchStrategy"], "MULTI_RECORD");
    assert_eq!(parameters["MaxPayloadInMB"], 6);
    assert!(parameters["MaxConcurrentTransforms"].as_u64().unwrap() >= 1);
    assert!(server.request("GET", "/", "", b"").expect(404).reason().contains("/invocations"));
    let refused = server.request("GET", "/invocations", "", b"").expect(405);
    assert_eq!(refused.headers["allow"], "POST");
    let reason = "/invocations takes no GET; the header Allow says which methods it takes";
    assert_eq!(refused.reason(), reason);
    let refused = server.request("POST", "/ping", "", b"").expect(405);
    assert_eq!(
        (refused.headers["allow"].as_str(), refused.reason().is_empty()),
        ("GET,HEAD", false)
    );
    server.request("GET", "/models", "", b"").expect(404);
    let log = server.stop();
    assert!(log.contains("serve starts") && log.contains("serve is done"), "{log}");
}

#[test]
fn an_answer_is_in_the_format_of_the_request_unless_another_is_accepted() {
    let server = Server::with(&[("MODEL_VERSION", "7")]);
    let array = format!("[{RECORD}]");
    for (content_type, body) in [(CSV, RECORD), (JSON, &array), (JSON_LINES, &array)] {
        for accept in ["", "Accept: */*\r\n"] {
            let headers = format!("Content-Type: {content_type}\r\n{accept}");
            let response = server.invoke_with(&headers, body).expect(200);
            assert_eq!(response.headers["content-type"], content_type);
            assert!(!response.body.ends_with('\n'), "{response:?}");
        }
    }
    let accept = |accept: &str| format!("Content-Type: text/csv\r\nAccept: {accept}\r\n");
    let json = server.invoke_with(&accept(JSON), RECORD).expect(200).json();
    let answer = &json["predictions"][0];
    assert_eq!(answer["model_version"], "7");
    assert!(answer["probability"].as_f64().is_some_and(|p| (0.0..=1.0).contains(&p)), "{json}");
    let csv = server.invoke_with(&accept("text/csv; header=present"), RECORD).expect(200).body;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "predicted,probability,imputed,unseen,out_of_range,model_version");
    assert_eq!(lines.len(), 2);
    let plain = server.invoke(CSV, RECORD).expect(200);
    assert_eq!(plain.body, lines[1]);
    assert_eq!(plain.headers["x-amzn-sagemaker-custom-attributes"], "model_version=7");
    server.invoke_with(&accept("text/html"), RECORD).expect(406);
    server.invoke("text/html", RECORD).expect(415);
    server.invoke_with("", RECORD).expect(415);
    let twice = "Content-Type: text/csv\r\nContent-Type: application/json\r\n";
    let reason = server.invoke_with(twice, RECORD).expect(400).reason();
    assert_eq!(reason, "the request has several Content-Types, expected one");
}

/// Every content type that is sent is one that captured data is not encoded for.
#[test]
fn every_content_type_that_is_sent_is_one_of_those_that_are_registered() {
    let server = Server::start();
    for accept in [CSV, JSON, JSON_LINES, "application/x-ndjson", "text/*", "application/*"] {
        let headers = format!("Content-Type: text/csv\r\nAccept: {accept}\r\n");
        let sent = server.invoke_with(&headers, RECORD).expect(200).headers["content-type"].clone();
        assert!(config::serving::RESPONSE_TYPES.contains(&sent.as_str()), "{sent}");
    }
    for body in ["", "x", "1,2"] {
        let sent = server.invoke(CSV, body).expect(400).headers["content-type"].clone();
        assert!(config::serving::RESPONSE_TYPES.contains(&sent.as_str()), "{sent}");
    }
}

/// `orchestrator predict`, one request for each row, JSON lines, and CSV that is split anywhere give the same
/// digits.
#[test]
fn a_row_has_the_same_digits_however_it_is_asked() {
    let tree = tree();
    let server = Server::over(&tree, &[("MODEL_VERSION", "7")]);
    let table = String::from_utf8(sample(120)).unwrap();
    let (header, rows) = table.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().collect();

    let place = Sandbox::new();
    let archive = place.path("model.tar.gz");
    let packed = Command::new("tar")
        .args(["-czf", archive.as_str(), "-C", tree.path("model").as_str()])
        .args(["background.bin", "forest.bin", "metadata.json", "recipe.json"])
        .status();
    assert!(packed.unwrap().success());
    place.file("rows.csv", &table);
    let output = Command::new(executable("orchestrator"))
        .args(["predict", "--model", archive.as_str(), "--input", place.path("rows.csv").as_str()])
        .output();
    let predicted = Outcome::from(output.unwrap()).expect(0).stdout;
    let last = |line: &str| {
        let fields: Vec<&str> = line.rsplitn(6, ',').take(5).collect();
        fields.into_iter().rev().collect::<Vec<_>>().join(",") + ",7"
    };
    let predicted: Vec<String> = predicted.lines().skip(1).map(last).collect();
    assert_eq!(predicted.len(), rows.len());

    let ask = |rows: &[&str]| {
        let body = format!("{header}\n{}\n", rows.join("\n"));
        server.invoke(CSV, body).expect(200).body
    };
    let whole = ask(&rows);
    assert_eq!(whole.lines().collect::<Vec<_>>(), predicted);
    for size in [1, 7, 50] {
        let pieces: Vec<String> = rows.chunks(size).map(ask).collect();
        assert_eq!(pieces.join("\n"), whole, "{size}");
    }
    let names: Vec<&str> = header.split(',').collect();
    let object = |row: &&str| {
        let members = names.iter().zip(row.split(',')).map(|(name, cell)| {
            let cell =
                cell.parse::<f64>().map_or_else(|_| format!("{cell:?}"), |_| cell.to_owned());
            format!("{name:?}: {cell}")
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
    };
    let lines: Vec<String> = rows.iter().map(object).collect();
    let headers = "Content-Type: application/jsonlines\r\nAccept: text/csv\r\n";
    let json_lines = server.invoke_with(headers, lines.join("\n")).expect(200).body;
    assert_eq!(json_lines, whole);
}

#[test]
fn missing_readings_and_numbers_out_of_range_are_named() {
    let server = Server::start();
    let body = r#"{"Torque(Nm)": 24.5, "Voltage": 1e6, "Spindle Speed": "", "Operator": "x"}"#;
    let answer = server.invoke(JSON, body).expect(200).json();
    let imputed = answer["imputed"].as_array().unwrap();
    assert_eq!(imputed.len(), 10, "{answer}");
    assert!(imputed.contains(&"Spindle_Speed".into()), "{answer}");
    assert_eq!(answer["out_of_range"], serde_json::json!(["Voltage"]));
    server.invoke(JSON, body).expect(200);
    let metrics = server.request("GET", "/metrics", "", b"").expect(200).body;
    assert!(metrics.contains("serve_imputed_total{column=\"Spindle_Speed\"} 2"), "{metrics}");
    assert!(metrics.contains("serve_out_of_range_total{column=\"Voltage\"} 2"), "{metrics}");
    assert!(metrics.contains("serve_invocations_total{status=\"200\"} 2"), "{metrics}");
    let log = server.stop();
    let said = log.matches("the model has no such column: Operator").count();
    assert_eq!(said, 1, "{log}");
}

#[test]
fn custom_attributes_ask_for_a_threshold_and_for_explanations() {
    let server = Server::start();
    let attributes = |attributes: &str| {
        format!(
            "Content-Type: {JSON}\r\nX-Amzn-SageMaker-Custom-Attributes: {attributes}\r\nX-Request-Id: r-1\r\n"
        )
    };
    let ask = |text: &str| server.invoke_with(&attributes(text), format!("[{RECORD}]"));
    let answer = ask("trace=9, explain=true").expect(200);
    assert_eq!(answer.headers["x-request-id"], "r-1");
    let answer = answer.json();
    let contributions = answer["contributions"].as_object().unwrap();
    let sum: f64 = contributions.values().map(|value| value.as_f64().unwrap()).sum();
    let probability = answer["probability"].as_f64().unwrap();
    assert!((answer["base_value"].as_f64().unwrap() + sum - probability).abs() < 1e-9, "{answer}");
    let word = |threshold: &str| ask(threshold).expect(200).json()["predicted"].clone();
    assert_eq!(word("threshold=0"), "Machine_Failure");
    assert_eq!(word("threshold=1"), "No_Machine_Failure");
    let reason = ask("threshold=2").expect(400).reason();
    assert_eq!(reason, "custom attribute threshold is `2`, expected a probability from 0 to 1");
    // The same may be settings.
    let settings = [("SERVE_EXPLAIN", "true"), ("SERVE_THRESHOLD", "1")];
    let answer = Server::with(&settings).invoke(JSON, format!("[{RECORD}]")).expect(200).json();
    assert!(answer["contributions"].is_object());
    assert_eq!(answer["predicted"], "No_Machine_Failure");
}

#[test]
fn custom_attributes_ask_for_interventional_explanations() {
    let tree = tree();
    let server = Server::over(&tree, &[("MODEL_VERSION", "7")]);
    let ask = |server: &Server, accept: &str, explain: &str| {
        let headers = format!(
            "Content-Type: {CSV}\r\nAccept: {accept}\r\nX-Amzn-SageMaker-Custom-Attributes: {explain}\r\n"
        );
        server.invoke_with(&headers, [RECORD; 4].join("\n"))
    };
    let interventional = |accept: &str| {
        let answer = ask(&server, accept, "explain=interventional").expect(200);
        let said = &answer.headers["x-amzn-sagemaker-custom-attributes"];
        assert_eq!(said, "model_version=7,explain=interventional");
        answer
    };
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let json = interventional(JSON).json();
    let first = &json["predictions"][0];
    assert_eq!(first["explanation"], "interventional");
    let sum: f64 = first["contributions"].as_object().unwrap().values().map(number).sum();
    assert!((number(&first["base_value"]) + sum - number(&first["probability"])).abs() < 1e-9);
    let lines = interventional(JSON_LINES).body;
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json["predictions"], serde_json::Value::from(lines));
    let csv = interventional("text/csv; header=present").body;
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((lines.len(), lines[0][6]), (5, "base_value"));
    for (name, value) in lines[0].iter().zip(&lines[1]).skip(7) {
        let named = &first["contributions"][name.strip_prefix("shap_").unwrap()];
        assert_eq!(value.parse::<f64>().unwrap(), number(named), "{name}");
    }
    // The other kind has other values, and does not name itself.
    let usual = ask(&server, JSON, "explain=true").expect(200);
    assert_eq!(usual.headers["x-amzn-sagemaker-custom-attributes"], "model_version=7");
    let usual = &usual.json()["predictions"][0];
    assert_eq!(usual.get("explanation"), None);
    assert_ne!(usual["base_value"], first["base_value"]);

    // A model that was trained without rows beside it says what to do.
    fs_err::remove_file(tree.path("model/background.bin")).unwrap();
    let older = Server::over(&tree, &[]);
    let reason = ask(&older, JSON, "explain=interventional").expect(400).reason();
    assert_eq!(
        reason,
        "interventional explanations need training rows, of which the model has none: train it again"
    );
    ask(&older, JSON, "explain=true").expect(200);
}

#[test]
fn a_bad_record_among_many_names_its_place_and_nothing_is_answered() {
    let server = Server::start();
    let mut lines = vec![RECORD.to_owned(); 5_000];
    lines[4_321] = RECORD.replacen("120.5", "12O.5", 1);
    let reason = server.invoke(CSV, lines.join("\n")).expect(400).reason();
    assert_eq!(
        reason,
        "the request, line 4322: column `Hydraulic_Pressure`: found `12O.5`, expected a number"
    );
}

/// A batch transform of a file sends its line of names with the first piece alone.
#[test]
fn a_batch_refuses_names_that_its_other_pieces_do_not_have() {
    let table = String::from_utf8(sample(3)).unwrap();
    let (header, rows) = table.split_once('\n').unwrap();
    let server = Server::with(&[("SAGEMAKER_BATCH", "true")]);
    let reason = server.invoke(CSV, &table).expect(400).reason();
    assert!(reason.contains("lines without it are read as: Hydraulic_Pressure"), "{reason}");
    server.invoke("text/csv; header=present", &table).expect(200);
    drop(server);
    let columns = [("SAGEMAKER_BATCH", "true"), ("SERVE_CSV_COLUMNS", header)];
    let server = Server::with(&columns);
    let whole = server.invoke(CSV, &table).expect(200).body;
    let pieces: Vec<String> =
        rows.lines().map(|row| server.invoke(CSV, row).expect(200).body).collect();
    assert_eq!(pieces.join("\n"), whole);
}

/// The answers to the pieces of a file are joined, with no names among them.
#[test]
fn pieces_of_a_batch_transform_have_no_names_in_front_of_answers() {
    let server = Server::with(&[("SAGEMAKER_BATCH", "true")]);
    let invoke = |content_type: &str, body: &str| {
        let headers =
            format!("Content-Type: {content_type}\r\nAccept: text/csv; header=present\r\n");
        server.invoke_with(&headers, body)
    };
    let reason = invoke(CSV, RECORD).expect(406).reason();
    assert!(reason.contains("header=present in Accept would put a line of names"), "{reason}");
    invoke(JSON, &format!("[{RECORD}]")).expect(406);
    let names = "Hydraulic_Pressure,Coolant_Pressure,Air_System_Pressure,Coolant_Temperature,\
                 Hydraulic_Oil_Temperature,Spindle_Bearing_Temperature,Spindle_Vibration,Tool_Vibration,\
                 Spindle_Speed,Voltage,Torque,Cutting";
    let whole = invoke("text/csv; header=present", &format!("{names}\n{RECORD}")).expect(200);
    assert!(whole.body.starts_with("predicted,probability,"), "{whole:?}");
    server.invoke_with("Content-Type: text/csv\r\nAccept: text/csv\r\n", RECORD).expect(200);
}
