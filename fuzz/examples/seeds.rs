//! Writes `fuzz/seeds`: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`. They
//! contain no real readings.

use std::io::{self, Write};
use std::path::Path;

use artifacts::{Bundle, Metadata, Shard};
use config::Settings;
use config::steps::{Argument, Evaluate, Hyperparameters, Preprocess, TableSettings};
use dataset::{
    BadCells, CategoryRules, CleaningRules, Column, Feature, Label, MissingValues, Recipe, Schema, TableReader,
    sample,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use forest::{Node, RandomForest, Tree};
use pipeline::{
    AlgorithmSpecification, AppSpecification, CacheConfig, Channel, ClusterConfig, Condition,
    ConditionArguments, Definition, Expression, MetricDefinition, Operator, Parameter,
    ProcessingArguments, ProcessingInput, ProcessingOutput, ProcessingOutputConfig, PropertyFile,
    ResourceConfig, RetryPolicy, Step, StoppingCondition, Tag, TrainingArguments,
};

fn seed(target: &str, name: &str, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs_err::create_dir_all(&directory)?;
    fs_err::write(directory.join(name), bytes)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    csv()?;
    table_file()?;
    expression()?;
    bundle()?;
    definition()?;
    hyperparameters()?;
    config()?;
    request()?;
    router()?;
    Ok(())
}

/// Records of the model in `crates/inference/tests/made`.
const RECORDS: [(&str, &str); 9] = [
    (
        "names.csv",
        "cTorque (kNm),druck [Pa],Door,Line,Note\n0.0148,7050000,yes,L2,\"a,b\"\n,n/a,no,L1,\n",
    ),
    ("semicolons.csv", "cTorque;Druck;Door;Line\r\n14,8;70,5;ja;L2\r\n"),
    ("lines.csv", "n14.8,70.5,yes,L2\n24.9,,no,L9\n1e400,-0,1,\n"),
    ("piece.csv", "pTorque,Oil_Pressure,Door,Line\n14.8,70.5,yes,L2\n"),
    (
        "object.json",
        r#"j{"Torque": 14.8, "Druck": null, "Door": true, "Line": "L\u0032", "x": [{}]}"#,
    ),
    ("instances.json", r#"j{"instances": [[14.8, 70.5, "no", "L1"], {"Torque": "1e2"}]}"#),
    (
        "split.json",
        r#"j{"columns": ["Line", "Torque", "Druck", "Door"], "data": [["L1", 1, 2, 0]], "index": [0]}"#,
    ),
    ("array.json", r#"j[14.8, -1.5e-7, false, "L1"]"#),
    ("lines.jsonl", "l[14.8, 70.5, \"no\", \"L1\"]\n{\"Torque\": 3}\n"),
];

fn request() -> io::Result<()> {
    RECORDS.iter().try_for_each(|(name, text)| seed("request", name, text))
}

fn router() -> io::Result<()> {
    let head = |rest: &str| format!("oPOST /invocations\n{rest}\n\n");
    let csv = head("Content-Type: text/csv; header=absent\nAccept: application/json;q=0.5, text/*");
    seed("router", "csv", csv + "14.8,70.5,yes,L2\n24.9,,no,L9")?;
    let json = head(
        "content-type: application/json; charset=utf-8\n\
         X-Amzn-SageMaker-Custom-Attributes: trace=1, explain=true; threshold=0.3\nX-Request-Id: 7",
    );
    seed("router", "json", json + r#"{"instances": [[14.8, 70.5, "no", "L1"]]}"#)?;
    seed("router", "parameters", "oGET /execution-parameters\n\n")?;
    seed("router", "metrics", "oGET /metrics\nAccept: */*\n\n")?;
    let load = r#"{"model_name": "a", "url": "/opt/ml/models/a"}"#;
    seed("router", "load", format!("mPOST /models\n\n\n{load}"))?;
    seed("router", "invoke", "mPOST /models/a%20b/invoke\nContent-Type: text/csv\n\n1,2,no,L1")?;
    seed("router", "list", "mGET /models?next_page_token=a\n\n")?;
    seed("router", "unload", "mDELETE /models/a\n\n")
}

fn csv() -> io::Result<()> {
    let mut table = Vec::new();
    sample::write(&mut table, 24, 7)?;
    seed("csv", "sample.csv", &table)?;
    // The second file has other units, order, spellings and line ends.
    let other = "\u{FEFF}Downtime,cutting_force [N],Torque,voltage (kV),spindle-speed,\
        Tool Vibration(mm),Spindle_Vibration(?m),Spindle_Bearing_Temperature(C),\
        Hydraulic_Oil_Temperature,Coolant_Temperature(degC),Air_System_Pressure(Pa),\
        COOLANT_PRESSURE(kPa),Hydraulic_Pressure(MPa),Assembly_Line_No,Machine_ID,Date\r\n\
        yes,2300,24.5,.35,19200,0.025,1.01,35,47,18.5,6.5e5,500,12.2,L1,\"M \"\"1\"\", a\",1\r\n\
        0,NaN,,n/a,1e4,2.5E-2,-1,0,47,18.5,650000,500,12.2,L1,\"M\n2\",2\r\n\
        maybe,broken,24.5,0.35,19200,0.025,1.01,35,47,18.5,6.5e5,500,12.2,L1,M,3\r\n\
        1,2\r\n";
    let two = [&table[..table.len() / 2], b"\x0c", other.as_bytes()].concat();
    seed("csv", "two.csv", two)?;
    seed("csv", "features.csv", "Torque,Ratio,label\n1.5,-0,0\n3e38, 1e-45 ,1\n-7,0.1,0\n")
}

/// The files that pandas wrote for the tests of `dataset`, and the parts of its workbook.
fn table_file() -> Result<(), Box<dyn std::error::Error>> {
    let parquet = include_bytes!("../../crates/dataset/tests/fixtures/pandas.parquet");
    let workbook = include_bytes!("../../crates/dataset/tests/fixtures/pandas.xlsx");
    let text = include_bytes!("../../crates/dataset/tests/fixtures/pandas.csv");
    seed("table_file", "pandas.parquet", parquet)?;
    seed("table_file", "pandas.xlsx", workbook)?;
    seed("table_file", "pandas.csv", text)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(text)?;
    seed("table_file", "pandas.csv.gz", gzip.finish()?)?;
    let mut parts = b"parts\n".to_vec();
    let mut archive = zip::ZipArchive::new(io::Cursor::new(workbook))?;
    for index in 0..archive.len() {
        let mut part = archive.by_index(index)?;
        let name = part.name()?.into_owned();
        // The rest is not read.
        if name.starts_with("docProps") || name.contains("theme") {
            continue;
        }
        parts.extend_from_slice(format!("{name}\n").as_bytes());
        io::copy(&mut part, &mut parts)?;
        parts.push(b'\x0c');
    }
    seed("table_file", "parts", parts)?;
    Ok(())
}

fn expression() -> io::Result<()> {
    seed("expression", "ratio", "Torque / (Speed + 1e-6)")?;
    seed("expression", "statistics", "(Torque - mean(Torque)) / std(Würze) * median( Speed )")?;
    seed(
        "expression",
        "functions",
        "min(abs(-Torque), sqrt(Speed), 2.) + max(ln(3),log1p(Würze))",
    )?;
    seed("expression", "nested", "((--(-(exp(.5)))))")
}

fn recipe() -> Recipe {
    let column = |name: &str| Column {
        name: name.to_owned(),
        unit: Some("bar".to_owned()),
        spellings: vec![format!("{name} 2")],
        ..Column::default()
    };
    let label = Label {
        column: "Downtime".to_owned(),
        positive: vec!["1".to_owned()],
        negative: vec!["0".to_owned()],
        missing_markers: Vec::new(),
    };
    let schema = Schema::new(vec![column("P"), column("V")], label).expect("a schema");
    let rules = CleaningRules {
        missing_values: MissingValues::Drop,
        bad_cells: BadCells::Error,
        ..CleaningRules::default()
    };
    let mut reader = TableReader::new(&schema, rules);
    reader.read("a.csv", "P,V,Downtime\n1.5,2,0\n3,4.25,1\n".as_bytes()).expect("a table");
    let (table, _) = reader.finish().expect("rows");
    let ratio = Feature { name: "R".to_owned(), expression: "P / mean(V)".to_owned() };
    Recipe::fit(&schema, &[ratio], &table, &[0, 1], CategoryRules::default()).expect("a recipe")
}

fn bundle() -> Result<(), Box<dyn std::error::Error>> {
    let split = |feature, threshold, next| Node { feature, threshold, next };
    let trees = vec![
        Tree {
            nodes: vec![
                split(0, 1.5, 1),
                Node::leaf(0),
                split(2, -3.0, 3),
                Node::leaf(1),
                Node::leaf(2),
            ],
            shares: vec![1.0, 0.0, 0.25, 0.75, 0.5, 0.5],
            covers: vec![1.0, 0.5, 0.5],
        },
        Tree { nodes: vec![Node::leaf(0)], shares: vec![0.5, 0.5], covers: vec![2.0] },
    ];
    let bundle = Bundle {
        forest: RandomForest::from_trees(trees, vec![3 << 41, 0, 1 << 41], 2)?,
        recipe: recipe(),
        metadata: Metadata {
            algorithm: "random_forest".to_owned(),
            program_version: "0.1.0".to_owned(),
            data_digest: "00".repeat(32),
            training_rows: 2,
            hyperparameters: Hyperparameters::default().to_map(),
            training_metrics: [("accuracy", 1.0), ("roc_auc", f64::NAN)]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), artifacts::Measure(value)))
                .collect(),
            feature_importances: [("P".to_owned(), 0.75)].into_iter().collect(),
            permutation_importances: [("R".to_owned(), -0.25)].into_iter().collect(),
        },
        background: Some(ndarray::array![[1.0, 2.0, -3.0], [2.0, 0.5, 4.0]]),
    };
    let files = bundle.to_files()?;
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in &files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes.as_slice())?;
    }
    let tar = tar.into_inner()?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&tar)?;
    seed("bundle", "archive", [b"a", gzip.finish()?.as_slice()].concat())?;
    seed("bundle", "tar", [b"t", tar.as_slice()].concat())?;
    let [(_, forest), (_, recipe), (_, metadata), (_, background)] = &files[..] else {
        return Ok(());
    };
    let forest = &forest[..forest.len() - 4];
    seed("bundle", "files", [b"f", &metadata[..], b"\xff", recipe, b"\xff", forest].concat())?;
    let background = &background[..background.len() - 4];
    let length = (forest.len() as u16).to_le_bytes();
    let parts = [b"b", &metadata[..], b"\xff", recipe, b"\xff", &length, forest, background];
    seed("bundle", "background", parts.concat())?;

    let gains = [vec![0, 0, 1 << 43], vec![1 << 43, 0, 0]];
    let mut shards = Vec::new();
    for (index, (tree, gains)) in bundle.forest.trees().iter().zip(gains).enumerate() {
        let forest = RandomForest::from_trees(vec![tree.clone()], gains, 2)?;
        let shard = Shard { index: index as u32, count: 2 };
        let files = Bundle { forest, ..bundle.clone() }.to_shard(shard, 2)?;
        shards.extend(files.into_iter().take(1).map(|(_, bytes)| bytes));
    }
    let [first, second] = &shards[..] else { return Ok(()) };
    let (first, second) = (&first[..first.len() - 4], &second[..second.len() - 4]);
    let length = (first.len() as u16).to_le_bytes();
    let parts = [b"s", &metadata[..], b"\xff", recipe, b"\xff", &length, first, second];
    seed("bundle", "shards", parts.concat())?;

    let mut tar = tar::Builder::new(Vec::new());
    for (path, kind) in [("a/", tar::EntryType::Directory), ("b", tar::EntryType::Symlink)] {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(0);
        if kind.is_symlink() {
            header.set_link_name("../../c")?;
        }
        tar.append_data(&mut header, path, io::empty())?;
    }
    seed("bundle", "link", [b"t", tar.into_inner()?.as_slice()].concat())?;
    Ok(())
}

fn definition() -> io::Result<()> {
    let url = Expression::parameter("Url");
    let cluster = ClusterConfig::new("ml.m5.large", 1_u32, 30_u32);
    let role = Expression::from("arn:aws:iam::000000000000:role/r");
    let mut app = AppSpecification::new("i:latest");
    app.container_arguments =
        vec![Expression::join("=", ["--a".into(), 3_u32.into(), url.clone()])];
    let mut processing = ProcessingArguments::new(cluster, app, role.clone());
    processing.processing_inputs = vec![ProcessingInput::new("raw", url.clone(), "/opt/ml/in")];
    processing.processing_output_config = Some(ProcessingOutputConfig {
        outputs: vec![ProcessingOutput::new("train", "s3://b/train", "/opt/ml/out")],
        ..ProcessingOutputConfig::default()
    });
    processing.environment = [("A".to_owned(), true.into())].into_iter().collect();
    processing.tags = vec![Tag::new("project", "x")];
    let mut preprocess = Step::new("Pre", processing);
    preprocess.property_files = vec![PropertyFile {
        property_file_name: "Report".to_owned(),
        output_name: "train".to_owned(),
        file_path: "report.json".to_owned(),
    }];
    preprocess.cache =
        Some(CacheConfig { enabled: true, expire_after: Some("P1DT12H".to_owned()) });
    preprocess.retry_policies = vec![RetryPolicy {
        exception_type: vec!["SageMaker.JOB_INTERNAL_ERROR".to_owned()],
        interval_seconds: Some(30),
        backoff_rate: Some(1.5),
        max_attempts: Some(3),
        expire_after_min: None,
    }];

    let mut algorithm = AlgorithmSpecification::new("i:latest");
    algorithm.metric_definitions = vec![MetricDefinition::new("f1", "f1=(.*)")];
    let mut training = TrainingArguments::new(
        algorithm,
        "s3://b/model",
        ResourceConfig::new("ml.m5.large", 1_u32, 30_u32),
        StoppingCondition::seconds(3600_u32),
        role,
    );
    training.input_data_config = vec![Channel::new("train", Expression::output("Pre", "train"))];
    training.hyper_parameters =
        [("n".to_owned(), Expression::parameter("Trees").into_text())].into();
    let mut train = Step::new("Train", training);
    train.depends_on = vec!["Pre".to_owned()];

    let f1 = || Expression::json_get("Pre", "Report", "f1['value']");
    let gate = ConditionArguments {
        conditions: vec![
            Condition::compare(f1(), Operator::GreaterThanOrEqualTo, Expression::parameter("Min")),
            Condition::Not(Box::new(Condition::In {
                query: url,
                values: vec!["a".into(), 1_u32.into()],
            })),
            Condition::Or(vec![Condition::compare(1_u32, Operator::LessThan, 0.5)]),
        ],
        if_steps: vec![Step::fail(
            "Good",
            Expression::property("Train", "ModelArtifacts.S3ModelArtifacts"),
        )],
        else_steps: vec![Step::fail("Bad", Expression::join(" ", ["f1 is".into(), f1()]))],
    };
    let parameters = vec![
        Parameter::string("Url", "s3://b/raw").one_of(["s3://b/raw", "s3://b/old"]),
        Parameter::integer("Trees", 200),
        Parameter::float("Min", 0.75),
        Parameter::boolean("Spot", false),
    ];
    let whole = Definition::new(parameters, vec![preprocess, train, Step::new("Gate", gate)]);
    // On one line, because a third of the indented text is blanks.
    let value: serde_json::Value = serde_json::from_str(&whole.to_json())?;
    seed("definition", "whole.json", value.to_string())?;
    // A cycle, members without a name, arguments before their type.
    seed(
        "definition",
        "strange.json",
        r#"{"Version":"2020-12-01","Metadata":{"a":[null]},"Unheard":1e300,"Steps":[
{"Name":"A","Type":"Lambda","Arguments":{"X":{"Get":"Steps.B.Outputs[0]['o'].Y"}},"DependsOn":["B"]},
{"Arguments":{"ErrorMessage":{"Get":"Execution.PipelineName"}},"DependsOn":["A"],"Type":"Fail","Name":"B","Other":-0.0}]}"#,
    )?;
    seed(
        "definition",
        "reference",
        "Steps.Pre.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri",
    )
}

fn lines(arguments: &[Argument]) -> String {
    arguments.iter().map(|argument| format!("{argument}\n")).collect()
}

fn hyperparameters() -> io::Result<()> {
    let map = serde_json::to_string(&Hyperparameters::default().to_map())?;
    seed("hyperparameters", "default.json", map)?;
    let strange = [
        r#"{"max_depth":"none","max_features":" 0.5 ","_tuning":"x","#,
        r#""class_weight":"{\"negative\":1,\"positive\":5}"}"#,
    ];
    seed("hyperparameters", "strange.json", strange.concat())?;
    seed("hyperparameters", "preprocess", lines(&Preprocess::default().to_arguments()))?;
    seed("hyperparameters", "table.json", TableSettings::default().to_json())?;
    let evaluate = lines(&Evaluate::default().to_arguments());
    seed(
        "hyperparameters",
        "evaluate",
        format!("train\n{evaluate}--gate=\n--colour=red\n--metric\n"),
    )?;
    let variables = config::steps::Register::VARIABLES;
    let value = |name: &str| if name.ends_with("STATUS") { "Approved" } else { "s3://b/k" };
    let register: String =
        variables.iter().map(|name| format!("{name}={}\n", value(name))).collect();
    let lists = "--content-type=text/csv\n--response-type=\n--realtime-instance-type=ml.m5.large\n";
    seed("hyperparameters", "register", register + lists)
}

fn config() -> Result<(), Box<dyn std::error::Error>> {
    let least = "s3_paths: {bucket: b-1}\naws:\n  account_id: '000000000000'\n  \
        role_arn: arn:aws:iam::000000000000:role/r\n";
    let settings = Settings::from_yaml("least.yaml", least, |_| None)?;
    seed("config", "whole.yaml", serde_yaml::to_string(&settings)?)?;
    // The target prepends the settings without a default.
    if let serde_yaml::Value::Mapping(sections) = serde_yaml::to_value(&settings)? {
        for (name, section) in sections {
            let name = name.as_str().unwrap_or_default();
            if !matches!(name, "s3_paths" | "aws") {
                let text =
                    serde_yaml::to_string(&std::collections::BTreeMap::from([(name, section)]))?;
                seed("config", &format!("{name}.yaml"), text)?;
            }
        }
    }
    let aws = "  region: ${A}\n  images: {tag: '${EMPTY:-latest}'}\n  kms: {volume_key: '$${x}'}\n  \
        vpc: {security_group_ids: [sg-0], subnets: [subnet-0, subnet-1]}\n";
    seed("config", "aws.yaml", format!("{least}{aws}"))?;
    let others = "hyperparameters:\n  n_estimators: ${N}\n  max_features: ${F}\n  \
        class_weight: {negative: 1, positive: 5}\n\
        quality_gates: {recall: 0.5}\ntags: {1: yes, b: 0x1f, c: \"\\e\"}\n\
        notifications: {email: a@b.c}\npreprocessing:\n  \
        columns: {A: {unit: kN, spellings: [x y, z]}, É_1: {}}\n  \
        engineered_features: {R: A / É_1}\n  label: {column: L, positive: [1, t], negative: [0]}\n  \
        missing_values: median\n";
    seed("config", "others.yaml", others)?;
    let wrong = "s3_paths: &a {bucket: B, raw_data: /x}\naws: *a\ncache: {enabled: maybe}\n\
        cache: {expire_after: P}\nhyperparameters:\n  - n_estimators\npreprocessing:\n  columns:\n    \
        A: {unit: (bar), spellings: [x, '=']}\n  label: {positive: []}\nquality_gates: {recal: 2}\n";
    seed("config", "wrong.yaml", wrong)?;
    // Tag, unit, spellings, expression, the label's column and values, description, features of a split.
    seed("config", "texts", "=k\nv\nkN\nB\nC c\nA / 2\nL\n1\n0\nabout ${A}\nsqrt")?;
    seed("config", "key.yaml", "? [a]\n: |\n  text\n")?;
    Ok(())
}
