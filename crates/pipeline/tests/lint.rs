//! One rule after the other, each broken in an otherwise clean pipeline.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use pipeline::{
    CacheConfig, Channel, CheckpointConfig, Condition, ConditionArguments, Definition, Expression,
    MetricDefinition, Operator, Parameter, ParameterType, ProcessingArguments, ProcessingInput,
    ProcessingOutput, Reference, RetryPolicy, Severity, Step, StepKind, Tag, TrainingArguments,
    VpcConfig, lint,
};
use serde_json::json;

/// What is found in the example after `change`, one finding a line.
fn findings(change: impl FnOnce(&mut Definition)) -> String {
    let mut definition = common::example();
    change(&mut definition);
    let lines: Vec<String> = lint(&definition).iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// What is found after changing one step's Processing job.
fn processing(step: &str, change: impl FnOnce(&mut ProcessingArguments)) -> String {
    in_step(step, |step| match &mut step.kind {
        StepKind::Processing(arguments) => change(arguments),
        _ => panic!("{} is no Processing step", step.name),
    })
}

fn training(change: impl FnOnce(&mut TrainingArguments)) -> String {
    in_step("Train", |step| match &mut step.kind {
        StepKind::Training(arguments) => change(arguments),
        _ => panic!("{} is no Training step", step.name),
    })
}

fn gate(change: impl FnOnce(&mut ConditionArguments)) -> String {
    in_step("Gate", |step| match &mut step.kind {
        StepKind::Condition(arguments) => change(arguments),
        _ => panic!("{} is no Condition step", step.name),
    })
}

fn in_step(name: &str, change: impl FnOnce(&mut Step)) -> String {
    findings(|definition| change(find(&mut definition.steps, name).unwrap()))
}

fn find<'a>(steps: &'a mut [Step], name: &str) -> Option<&'a mut Step> {
    for step in steps {
        if step.name == name {
            return Some(step);
        }
        if let StepKind::Condition(arguments) = &mut step.kind {
            let branches = arguments.if_steps.iter_mut().chain(&mut arguments.else_steps);
            for inner in branches {
                if inner.name == name {
                    return Some(inner);
                }
            }
        }
    }
    None
}

fn retry(change: impl FnOnce(&mut RetryPolicy)) -> String {
    in_step("Preprocess", |step| change(&mut step.retry_policies[0]))
}

#[test]
fn the_definition_itself() {
    insta::assert_snapshot!(findings(|d| d.version = "2021-01-01".to_owned()), @r#"error: Version: "2021-01-01"; the only version is "2020-12-01""#);
    insta::assert_snapshot!(findings(|d| { d.steps.clear(); d.parameters.clear(); }), @"error: Steps: no steps; a pipeline has at least one");
    insta::assert_snapshot!(findings(|d| { d.metadata.insert("x".to_owned(), "x".repeat(1 << 20).into()); }), @"warning: definition: 1060069 bytes; the service takes at most 1048576 in a request, larger ones from S3");
    insta::assert_snapshot!(
        findings(|d| d.experiment.as_mut().unwrap().trial_name =
            Some(Expression::property("Train", "TrainingJobName"))),
        @"error: PipelineExperimentConfig.TrialName: Steps.Train.TrainingJobName is not known before the first step; use parameters and execution variables");
}

#[test]
fn parameters() {
    insta::assert_snapshot!(
        findings(|d| {
            d.parameters.clear();
            d.steps.truncate(0);
            d.steps.push(Step::fail("Stop", "no"));
            d.parameters.extend((0..201).map(|i| Parameter::integer(format!("P{i}"), 1)));
        }).lines().next().unwrap(),
        @"error: Parameters: 201 parameters; at most 200 are allowed");
    insta::assert_snapshot!(findings(|d| d.parameters.push(Parameter::integer("Trees", 1))), @r#"error: Parameters: two parameters are called "Trees""#);
    insta::assert_snapshot!(findings(|d| d.parameters.push(Parameter::integer("Number of trees", 1))), @r#"
    error: Parameters.Number of trees: "Number of trees" is no name; 1 to 64 of letters, digits, - and _ are allowed
    warning: Parameters.Number of trees: no step uses it, so choosing a value changes nothing
    "#);
    insta::assert_snapshot!(findings(|d| d.parameters[3].default = Some(json!("many"))), @r#"error: Parameters.Trees.DefaultValue: parameter Trees (Integer): found "many", expected a whole number of 64 bits"#);
    insta::assert_snapshot!(findings(|d| d.parameters[6].default = Some(json!("Maybe"))), @r#"error: Parameters.Approval.DefaultValue: parameter Approval (String): found "Maybe", expected one of Approved, PendingManualApproval, Rejected"#);
    insta::assert_snapshot!(findings(|d| d.parameters[3].enum_values = vec!["1".to_owned()]), @"error: Parameters.Trees.EnumValues: only String parameters have them, this is Integer");
    insta::assert_snapshot!(findings(|d| d.parameters[1].default = Some(json!(format!("ml.{}", "x".repeat(1022))))).split(" found ").next().unwrap(), @"error: Parameters.InstanceType.DefaultValue: parameter InstanceType (String):");
}

#[test]
fn names_of_steps() {
    insta::assert_snapshot!(in_step("Register", |s| s.name = "Register model".to_owned()), @r#"error: Steps.Gate.IfSteps.Register model: "Register model" is no name; 1 to 64 of letters, digits, - and _ are allowed"#);
    insta::assert_snapshot!(in_step("Register", |s| s.name = "x".repeat(65)), @r#"error: Steps.Gate.IfSteps.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" is no name; 1 to 64 of letters, digits, - and _ are allowed"#);
    insta::assert_snapshot!(in_step("Register", |s| s.name = String::new()), @r#"error: Steps.Gate.IfSteps[0]: "" is no name; 1 to 64 of letters, digits, - and _ are allowed"#);
    insta::assert_snapshot!(in_step("Register", |s| s.name = "Preprocess".to_owned()), @"error: Steps.Gate.IfSteps.Preprocess: a second step of this name; the first is Steps.Preprocess");
    insta::assert_snapshot!(gate(|g| g.else_steps.push(g.if_steps[0].clone())), @"error: Steps.Gate.ElseSteps.Register: a second step of this name; the first is Steps.Gate.IfSteps.Register");
}

#[test]
fn types_texts_cache() {
    insta::assert_snapshot!(
        in_step("Register", |s| s.kind = StepKind::Other { kind: "RegisterModle".to_owned(), arguments: json!({}) })
        , @r#"error: Steps.Gate.IfSteps.Register.Type: "RegisterModle" is no type of step; did you mean RegisterModel?"#);
    insta::assert_snapshot!(in_step("Train", |s| s.display_name = Some("x".repeat(257))), @"error: Steps.Train.DisplayName: 257 characters; at most 256 are allowed");
    let cache =
        |text: Option<&str>| CacheConfig { enabled: true, expire_after: text.map(str::to_owned) };
    insta::assert_snapshot!(in_step("Train", |s| s.cache = Some(cache(Some("30d")))), @r#"error: Steps.Train.CacheConfig.ExpireAfter: "30d" is no ISO 8601 duration; P30D and PT12H are"#);
    insta::assert_snapshot!(in_step("Train", |s| s.cache = Some(cache(None))), @"warning: Steps.Train.CacheConfig: no ExpireAfter; the service then decides how long it lasts");
    insta::assert_snapshot!(in_step("Gate", |s| s.cache = Some(cache(Some("P1D")))), @"error: Steps.Gate.CacheConfig: Condition steps are not cached; only Processing, Training, Tuning, AutoML, Transform, ClarifyCheck, QualityCheck, EMR are");
    insta::assert_snapshot!(in_step("Train", |s| s.description = Some("x".repeat(3073))), @"error: Steps.Train.Description: 3073 characters; at most 3072 are allowed");
    insta::assert_snapshot!(in_step("Stop", |s| s.kind = StepKind::Fail { error_message: "x".repeat(3073).into() }), @"error: Steps.Gate.ElseSteps.Stop.Arguments.ErrorMessage: 3073 characters; at most 3072 are allowed");
    insta::assert_snapshot!(in_step("Stop", |s| s.kind = StepKind::Fail { error_message: Expression::parameter("MinF1") }), @"error: Steps.Gate.ElseSteps.Stop.Arguments.ErrorMessage: Parameters.MinF1 is a float where the service wants a string; put it in a Std:Join");
}

#[test]
fn retries() {
    insta::assert_snapshot!(retry(|r| r.max_attempts = None), @"error: Steps.Preprocess.RetryPolicies[0]: neither MaxAttempts nor ExpireAfterMin; exactly one is needed");
    insta::assert_snapshot!(retry(|r| r.expire_after_min = Some(1)), @"error: Steps.Preprocess.RetryPolicies[0]: both MaxAttempts and ExpireAfterMin; exactly one is allowed");
    insta::assert_snapshot!(retry(|r| r.max_attempts = Some(21)), @"error: Steps.Preprocess.RetryPolicies[0].MaxAttempts: 21; 1 to 20 is allowed");
    insta::assert_snapshot!(retry(|r| { r.max_attempts = None; r.expire_after_min = Some(14401); }), @"error: Steps.Preprocess.RetryPolicies[0].ExpireAfterMin: 14401; 1 to 14400 is allowed");
    insta::assert_snapshot!(retry(|r| r.interval_seconds = Some(43201)), @"error: Steps.Preprocess.RetryPolicies[0].IntervalSeconds: 43201; 1 to 43200 is allowed");
    insta::assert_snapshot!(retry(|r| r.backoff_rate = Some(0.0)), @"error: Steps.Preprocess.RetryPolicies[0].BackoffRate: 0; more than 0 is needed");
    insta::assert_snapshot!(retry(|r| r.exception_type.clear()), @"error: Steps.Preprocess.RetryPolicies[0].ExceptionType: empty; at least one is needed");
    insta::assert_snapshot!(retry(|r| r.exception_type[0] = "Step.THROTTLED".to_owned()), @r#"error: Steps.Preprocess.RetryPolicies[0].ExceptionType[0]: "Step.THROTTLED" is none the service knows; did you mean Step.THROTTLING?"#);
    insta::assert_snapshot!(in_step("Stop", |s| s.retry_policies = vec![RetryPolicy {
        max_attempts: Some(1), exception_type: vec!["Step.THROTTLING".to_owned()], ..RetryPolicy::default()
    }]), @"error: Steps.Gate.ElseSteps.Stop.RetryPolicies: Fail steps are not retried; only Processing, Training, Tuning, AutoML, Model, RegisterModel, Transform are");
}

#[test]
fn property_files() {
    insta::assert_snapshot!(in_step("Evaluate", |s| s.property_files[0].output_name = "evaluations".to_owned()), @r#"error: Steps.Evaluate.PropertyFiles[0].OutputName: the step has no output "evaluations"; did you mean evaluation?"#);
    insta::assert_snapshot!(in_step("Evaluate", |s| s.property_files[0].file_path = "/evaluation.json".to_owned()), @r#"error: Steps.Evaluate.PropertyFiles[0].FilePath: "/evaluation.json"; a path inside the output is needed"#);
    insta::assert_snapshot!(in_step("Evaluate", |s| s.property_files.push(s.property_files[0].clone())), @r#"error: Steps.Evaluate.PropertyFiles: two property files are called "Report""#);
    insta::assert_snapshot!(in_step("Evaluate", |s| {
        s.property_files.push(s.property_files[0].clone());
        s.property_files[1].property_file_name = "a.b".to_owned();
    }), @r#"warning: Steps.Evaluate.PropertyFiles[1].PropertyFileName: "a.b" is hard to point at; keep to 1 to 64 of letters, digits, - and _"#);
    insta::assert_snapshot!(in_step("Evaluate", |s| s.property_files[0].property_file_name = "Reports".to_owned()), @r#"
    error: Steps.Gate.Arguments.Conditions[0].LeftValue: Evaluate has no property file "Report"; did you mean Reports?
    error: Steps.Gate.ElseSteps.Stop.Arguments.ErrorMessage: Evaluate has no property file "Report"; did you mean Reports?
    "#);
    insta::assert_snapshot!(processing("Evaluate", |p| {
        let outputs = &mut p.processing_output_config.as_mut().unwrap().outputs;
        outputs[0].s3_output.as_mut().unwrap().s3_upload_mode = "Continuous".into();
    }), @r#"error: Steps.Evaluate.PropertyFiles[0].OutputName: the output "evaluation" is uploaded Continuous; only EndOfJob outputs can be read"#);
    insta::assert_snapshot!(findings(|d| {
        let file = find(&mut d.steps, "Evaluate").unwrap().property_files[0].clone();
        find(&mut d.steps, "Train").unwrap().property_files.push(file);
    }), @"error: Steps.Train.PropertyFiles: Training steps have none; only Processing steps do");
    insta::assert_snapshot!(in_step("Evaluate", |s| s.property_files[0].file_path = "../evaluation.json".to_owned()), @r#"error: Steps.Evaluate.PropertyFiles[0].FilePath: "../evaluation.json"; a path inside the output is needed"#);
    insta::assert_snapshot!(processing("Evaluate", |p| {
        let output = &mut p.processing_output_config.as_mut().unwrap().outputs[0];
        output.s3_output = None;
        output.other.insert("FeatureStoreOutput".to_owned(), json!({"FeatureGroupName": "g"}));
    }), @r#"error: Steps.Evaluate.PropertyFiles[0].OutputName: the output "evaluation" does not go to S3, where the file is read"#);
}

#[test]
fn machines_and_times() {
    insta::assert_snapshot!(processing("Register", |p| {
        let cluster = &mut p.processing_resources.cluster_config;
        cluster.instance_type = "m5.large".into();
        cluster.instance_count = 0_i64.into();
        cluster.volume_size_in_gb = 16385_i64.into();
    }), @r#"
    error: Steps.Gate.IfSteps.Register.Arguments.ProcessingResources.ClusterConfig.InstanceType: "m5.large" is no instance type; ml.<family>.<size> is expected
    error: Steps.Gate.IfSteps.Register.Arguments.ProcessingResources.ClusterConfig.InstanceCount: 0; 1 to 100 is allowed
    error: Steps.Gate.IfSteps.Register.Arguments.ProcessingResources.ClusterConfig.VolumeSizeInGB: 16385; 1 to 16384 is allowed
    "#);
    insta::assert_snapshot!(processing("Register", |p| {
        p.processing_resources.cluster_config.instance_count = Expression::parameter("TestSize");
    }), @"error: Steps.Gate.IfSteps.Register.Arguments.ProcessingResources.ClusterConfig.InstanceCount: Parameters.TestSize is a float where the service wants a whole number");
    insta::assert_snapshot!(findings(|d| d.parameters[2].default = Some(json!(101))), @r#"
    error: Steps.Preprocess.Arguments.ProcessingResources.ClusterConfig.InstanceCount: 101 (the default of Parameters.InstanceCount); 1 to 100 is allowed
    error: Steps.Evaluate.Arguments.ProcessingResources.ClusterConfig.InstanceCount: 101 (the default of Parameters.InstanceCount); 1 to 100 is allowed
    error: Steps.Gate.IfSteps.Register.Arguments.ProcessingResources.ClusterConfig.InstanceCount: 101 (the default of Parameters.InstanceCount); 1 to 100 is allowed
    "#);
    insta::assert_snapshot!(processing("Preprocess", |p| {
        p.stopping_condition.as_mut().unwrap().max_runtime_in_seconds = 777_601_i64.into();
    }), @"error: Steps.Preprocess.Arguments.StoppingCondition.MaxRuntimeInSeconds: 777601; 1 to 777600 is allowed");
    insta::assert_snapshot!(training(|t| {
        t.stopping_condition.max_runtime_in_seconds = 0_i64.into();
    }), @"error: Steps.Train.Arguments.StoppingCondition.MaxRuntimeInSeconds: 0; 1 to 2419200 is allowed");
    insta::assert_snapshot!(training(|t| {
        t.stopping_condition.max_wait_time_in_seconds = Some(60_i64.into());
    }), @"error: Steps.Train.Arguments.StoppingCondition.MaxWaitTimeInSeconds: 60 is less than MaxRuntimeInSeconds, 3600");
    insta::assert_snapshot!(training(|t| t.resource_config.instance_type = None), @"error: Steps.Train.Arguments.ResourceConfig: neither InstanceType with InstanceCount nor InstanceGroups");
    insta::assert_snapshot!(training(|t| t.resource_config.volume_size_in_gb = "30".into()), @r#"error: Steps.Train.Arguments.ResourceConfig.VolumeSizeInGB: "30" is a string where the service wants a whole number"#);
    insta::assert_snapshot!(processing("Preprocess", |p| {
        p.stopping_condition.as_mut().unwrap().max_wait_time_in_seconds = Some(7200_i64.into());
    }), @"error: Steps.Preprocess.Arguments.StoppingCondition.MaxWaitTimeInSeconds: only Training jobs have it");
}

#[test]
fn images_roles_keys_networks_tags() {
    insta::assert_snapshot!(processing("Register", |p| p.app_specification.image_uri = " ".into()), @"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ImageUri: empty; a value is needed");
    insta::assert_snapshot!(training(|t| t.algorithm_specification.training_image = None), @"error: Steps.Train.Arguments.AlgorithmSpecification: neither TrainingImage nor AlgorithmName; one is needed");
    insta::assert_snapshot!(processing("Register", |p| p.role_arn = "arn:aws:iam::12:role/x".into()), @r#"error: Steps.Gate.IfSteps.Register.Arguments.RoleArn: "arn:aws:iam::12:role/x" is no role; arn:aws:iam::<12 digits>:role/<name> is expected"#);
    insta::assert_snapshot!(training(|t| t.output_data_config.kms_key_id = Some("".into())), @"error: Steps.Train.Arguments.OutputDataConfig.KmsKeyId: empty; a value is needed");
    insta::assert_snapshot!(training(|t| t.vpc_config = Some(VpcConfig { subnets: vec!["a".into()], ..VpcConfig::default() })), @"error: Steps.Train.Arguments.VpcConfig.SecurityGroupIds: 0 entries; 1 to 5 are allowed");
    insta::assert_snapshot!(training(|t| t.tags = vec![Tag::new("a", "1"), Tag::new("a", "x".repeat(257))]), @r#"
    error: Steps.Train.Arguments.Tags: two tags are called "a"
    error: Steps.Train.Arguments.Tags[1].Value: 257 characters; at most 256 are allowed
    "#);
    insta::assert_snapshot!(training(|t| t.tags = (0..51).map(|i| Tag::new(i.to_string(), "")).collect()), @"error: Steps.Train.Arguments.Tags: 51 tags; at most 50 are allowed");
    insta::assert_snapshot!(processing("Register", |p| p.app_specification.image_uri = "x".repeat(256).into()), @"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ImageUri: 256 characters; at most 255 are allowed");
    insta::assert_snapshot!(processing("Register", |p| p.network_config.as_mut().unwrap().vpc_config = Some(VpcConfig {
        security_group_ids: vec!["sg-1".into()], subnets: vec!["subnet-1".into(); 17],
    })), @"error: Steps.Gate.IfSteps.Register.Arguments.NetworkConfig.VpcConfig.Subnets: 17 entries; 1 to 16 are allowed");
}

#[test]
fn command_lines() {
    let arguments = |p: &mut ProcessingArguments, a: Vec<Expression>| {
        p.app_specification.container_arguments = a;
    };
    insta::assert_snapshot!(processing("Register", |p| arguments(p, vec!["x".into(); 101])), @"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments: 101 arguments; at most 100 are allowed");
    insta::assert_snapshot!(processing("Register", |p| arguments(p, vec!["a".into(), "ä".repeat(257).into()])), @"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[1]: 257 characters; at most 256 are allowed");
    insta::assert_snapshot!(processing("Register", |p| {
        let long = Expression::join("", ["x".repeat(238).into(), Expression::parameter("InputUrl")]);
        arguments(p, vec![long]);
    }), @"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: 257 characters; at most 256 are allowed (parameters counted by their defaults)");
    insta::assert_snapshot!(processing("Register", |p| {
        // 231 and the 20 characters of "s3://my-bucket/runs/" and the 6 of "/train" are 257; the
        // execution's id comes on top.
        let uri = Expression::output("Preprocess", "train");
        arguments(p, vec![Expression::join("", ["x".repeat(231).into(), uri])]);
    }), @"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: at least 257 characters, Execution.PipelineExecutionId not yet known; at most 256 are allowed");
    insta::assert_snapshot!(processing("Register", |p| arguments(p, vec![Expression::parameter("Trees")])), @"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: Parameters.Trees is an integer where the service wants a string; put it in a Std:Join");
    insta::assert_snapshot!(processing("Register", |p| arguments(p, vec![0.5.into()])), @"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: 0.5 is a float where the service wants a string; put it in a Std:Join");
    insta::assert_snapshot!(processing("Register", |p| {
        arguments(p, vec!["a".into()]);
        p.app_specification.container_entrypoint.clear();
    }), @"warning: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments: without ContainerEntrypoint; the service uses the image's, but the official SDK's local mode needs both");
    insta::assert_snapshot!(training(|t| t.algorithm_specification.container_entrypoint = vec!["x".repeat(257).into()]), @"error: Steps.Train.Arguments.AlgorithmSpecification.ContainerEntrypoint[0]: 257 characters; at most 256 are allowed");
    insta::assert_snapshot!(training(|t| t.algorithm_specification.container_entrypoint = vec!["x".into(); 101]), @"error: Steps.Train.Arguments.AlgorithmSpecification.ContainerEntrypoint: 101 arguments; at most 100 are allowed");
}

#[test]
fn environments() {
    let set = |name: &str, value: Expression| {
        let name = name.to_owned();
        processing("Register", |p| {
            p.environment.insert(name, value);
        })
    };
    insta::assert_snapshot!(set("RUST-LOG", "info".into()), @r#"error: Steps.Gate.IfSteps.Register.Arguments.Environment: "RUST-LOG" is no variable; at most 256 of letters, digits and _ are allowed, no digit first"#);
    insta::assert_snapshot!(set("URI", "x".repeat(257).into()), @"error: Steps.Gate.IfSteps.Register.Arguments.Environment.URI: 257 characters; at most 256 are allowed");
    insta::assert_snapshot!(set("TREES", Expression::parameter("Trees")), @"error: Steps.Gate.IfSteps.Register.Arguments.Environment.TREES: Parameters.Trees is an integer where the service wants a string; put it in a Std:Join");
    insta::assert_snapshot!(processing("Register", |p| p.environment.extend((0..100).map(|i| (format!("V{i}"), "".into())))), @"error: Steps.Gate.IfSteps.Register.Arguments.Environment: 101 variables; at most 100 are allowed");
    assert_eq!(
        training(|t| {
            t.environment.insert("URI".to_owned(), "x".repeat(512).into());
        }),
        ""
    );
    insta::assert_snapshot!(training(|t| { t.environment.insert("URI".to_owned(), "x".repeat(513).into()); }), @"error: Steps.Train.Arguments.Environment.URI: 513 characters; at most 512 are allowed");
    insta::assert_snapshot!(training(|t| t.environment.extend((0..101).map(|i| (format!("V{i}"), "".into())))), @"error: Steps.Train.Arguments.Environment: 101 variables; at most 100 are allowed");
}

#[test]
fn inputs_and_outputs() {
    insta::assert_snapshot!(processing("Register", |p| {
        p.processing_inputs = (0..11).map(|i| ProcessingInput::new(format!("i{i}"), "s3://bucket/k", format!("/opt/ml/processing/i{i}"))).collect();
    }), @"error: Steps.Gate.IfSteps.Register.Arguments.ProcessingInputs: 11 inputs; at most 10 are allowed");
    insta::assert_snapshot!(processing("Preprocess", |p| {
        p.processing_output_config.as_mut().unwrap().outputs.extend(
            (0..9).map(|i| ProcessingOutput::new(format!("o{i}"), "s3://bucket/k", format!("/opt/ml/processing/o{i}"))));
    }), @"error: Steps.Preprocess.Arguments.ProcessingOutputConfig.Outputs: 11 outputs; at most 10 are allowed");
    insta::assert_snapshot!(processing("Evaluate", |p| p.processing_inputs[0].input_name = "test".to_owned()), @r#"error: Steps.Evaluate.Arguments.ProcessingInputs: two inputs are called "test""#);
    insta::assert_snapshot!(processing("Evaluate", |p| p.processing_inputs[0].input_name = String::new()), @"error: Steps.Evaluate.Arguments.ProcessingInputs[0].InputName: empty; a name is needed");
    insta::assert_snapshot!(processing("Evaluate", |p| p.processing_inputs[0].s3_input = None), @"error: Steps.Evaluate.Arguments.ProcessingInputs[0]: neither S3Input nor DatasetDefinition; one is needed");
    let input = |change: fn(&mut pipeline::S3Input)| {
        processing("Preprocess", |p| change(p.processing_inputs[0].s3_input.as_mut().unwrap()))
    };
    insta::assert_snapshot!(input(|i| i.local_path = Some("/opt/ml/input".into())), @r#"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.LocalPath: "/opt/ml/input" is no directory under /opt/ml/processing/"#);
    insta::assert_snapshot!(input(|i| i.local_path = Some("/opt/ml/processing/".into())), @r#"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.LocalPath: "/opt/ml/processing/" is no directory under /opt/ml/processing/"#);
    insta::assert_snapshot!(input(|i| i.local_path = Some("/opt/ml/processing/../x".into())), @r#"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.LocalPath: "/opt/ml/processing/../x" is no directory under /opt/ml/processing/"#);
    insta::assert_snapshot!(input(|i| i.local_path = Some("/opt/ml/processing//x".into())), @r#"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.LocalPath: "/opt/ml/processing//x" has an empty part or a dot between its slashes"#);
    insta::assert_snapshot!(input(|i| i.local_path = Some("/opt/ml/processing/x/./y".into())), @r#"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.LocalPath: "/opt/ml/processing/x/./y" has an empty part or a dot between its slashes"#);
    insta::assert_snapshot!(input(|i| i.local_path = Some("/opt/ml//tmp".into())), @r#"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.LocalPath: "/opt/ml//tmp" is no directory under /opt/ml/processing/"#);
    insta::assert_snapshot!(input(|i| i.local_path = Some("/opt/ml/processing//".into())), @r#"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.LocalPath: "/opt/ml/processing//" is no directory under /opt/ml/processing/"#);
    let joined = |start: &str| {
        Some(Expression::join("", [start.into(), Expression::property("Train", "TrainingJobName")]))
    };
    let in_evaluate = |path: Option<Expression>| {
        processing("Evaluate", |p| {
            p.processing_inputs[0].s3_input.as_mut().unwrap().local_path = path;
        })
    };
    insta::assert_snapshot!(in_evaluate(joined("/tmp/")), @r#"error: Steps.Evaluate.Arguments.ProcessingInputs[0].S3Input.LocalPath: "/tmp/" is no directory under /opt/ml/processing/"#);
    insta::assert_snapshot!(in_evaluate(joined("/opt/ml/processing/a//")), @r#"error: Steps.Evaluate.Arguments.ProcessingInputs[0].S3Input.LocalPath: "/opt/ml/processing/a//" has an empty part or a dot between its slashes"#);
    for start in ["", "/opt/", "/opt/ml/processing/", "/opt/ml/processing/a/"] {
        assert_eq!(in_evaluate(joined(start)), "", "{start}");
    }
    assert_eq!(input(|i| i.local_path = Some("/opt/ml/processing/input/".into())), "");
    insta::assert_snapshot!(in_evaluate(Some("/opt/ml/processing/test/".into())), @r#"error: Steps.Evaluate.Arguments.ProcessingInputs: the inputs "model" and "test" have one LocalPath, "/opt/ml/processing/test""#);
    insta::assert_snapshot!(input(|i| i.local_path = None), @"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input: no LocalPath; a container cannot see the input");
    insta::assert_snapshot!(input(|i| i.s3_input_mode = Some("FastFile".into())), @r#"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.S3InputMode: "FastFile"; one of File, Pipe is allowed"#);
    insta::assert_snapshot!(input(|i| i.s3_compression_type = Some("Gzip".into())), @"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.S3CompressionType: Gzip works with S3InputMode Pipe only");
    insta::assert_snapshot!(processing("Evaluate", |p| p.processing_output_config.as_mut().unwrap().outputs[0].s3_output = None), @"error: Steps.Evaluate.Arguments.ProcessingOutputConfig.Outputs[0]: neither S3Output nor FeatureStoreOutput; one is needed");
    insta::assert_snapshot!(input(|i| i.s3_data_type = "AugmentedManifestFile".into()), @r#"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.S3DataType: "AugmentedManifestFile"; one of S3Prefix, ManifestFile is allowed"#);
    insta::assert_snapshot!(input(|i| i.s3_data_distribution_type = Some("Sharded".into())), @r#"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.S3DataDistributionType: "Sharded"; one of FullyReplicated, ShardedByS3Key is allowed"#);
    let output = |change: fn(&mut ProcessingOutput)| {
        processing("Evaluate", |p| {
            change(&mut p.processing_output_config.as_mut().unwrap().outputs[0]);
        })
    };
    insta::assert_snapshot!(output(|o| o.s3_output.as_mut().unwrap().s3_upload_mode = "AtEnd".into()), @r#"error: Steps.Evaluate.Arguments.ProcessingOutputConfig.Outputs[0].S3Output.S3UploadMode: "AtEnd"; one of EndOfJob, Continuous is allowed"#);
    insta::assert_snapshot!(output(|o| o.s3_output.as_mut().unwrap().local_path = Some("/opt/ml/output".into())), @r#"error: Steps.Evaluate.Arguments.ProcessingOutputConfig.Outputs[0].S3Output.LocalPath: "/opt/ml/output" is no directory under /opt/ml/processing/"#);
    insta::assert_snapshot!(output(|o| o.s3_output.as_mut().unwrap().local_path = None), @"error: Steps.Evaluate.Arguments.ProcessingOutputConfig.Outputs[0].S3Output: no LocalPath; nothing would be uploaded");
    insta::assert_snapshot!(processing("Preprocess", |p| {
        let outputs = &mut p.processing_output_config.as_mut().unwrap().outputs;
        outputs.push(outputs[0].clone());
        outputs[2].s3_output.as_mut().unwrap().local_path = Some("/opt/ml/processing/2".into());
    }), @r#"error: Steps.Preprocess.Arguments.ProcessingOutputConfig.Outputs: two outputs are called "train""#);
    insta::assert_snapshot!(processing("Preprocess", |p| {
        let outputs = &mut p.processing_output_config.as_mut().unwrap().outputs;
        outputs[1].s3_output = outputs[0].s3_output.clone();
    }), @r#"error: Steps.Preprocess.Arguments.ProcessingOutputConfig.Outputs: the outputs "train" and "test" have one LocalPath, "/opt/ml/processing/output/train""#);
}

#[test]
fn s3_uris() {
    let output = |uri: Expression| training(|t| t.output_data_config.s3_output_path = uri);
    insta::assert_snapshot!(output("/models".into()), @r#"error: Steps.Train.Arguments.OutputDataConfig.S3OutputPath: "/models" is no S3 URI; s3://bucket/key is"#);
    insta::assert_snapshot!(output("".into()), @r#"error: Steps.Train.Arguments.OutputDataConfig.S3OutputPath: "" is no S3 URI; s3://bucket/key is"#);
    insta::assert_snapshot!(output("s3://My_Bucket/models".into()), @r#"error: Steps.Train.Arguments.OutputDataConfig.S3OutputPath: "My_Bucket" is no bucket name; 3 to 63 of lower-case letters, digits, - and . are allowed"#);
    insta::assert_snapshot!(output(format!("s3://bucket/{}", "x".repeat(1013)).into()), @"error: Steps.Train.Arguments.OutputDataConfig.S3OutputPath: 1025 characters; at most 1024 are allowed");
    insta::assert_snapshot!(output(Expression::join("/", ["models".into(), Expression::property("Preprocess", "ProcessingJobName")])), @r#"error: Steps.Train.Arguments.OutputDataConfig.S3OutputPath: "models/" is no S3 URI; s3://bucket/key is"#);
    // The bucket may be what is not known yet.
    assert_eq!(
        output(Expression::join(
            "",
            ["s3://".into(), Expression::property("Preprocess", "ProcessingJobName")]
        )),
        ""
    );
    insta::assert_snapshot!(findings(|d| d.parameters[0].default = Some(json!("raw"))), @r#"error: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.S3Uri: "raw" is no S3 URI; s3://bucket/key is"#);
    insta::assert_snapshot!(training(|t| t.checkpoint_config = Some(CheckpointConfig { s3_uri: "ftp://bucket".into(), local_path: None })), @r#"error: Steps.Train.Arguments.CheckpointConfig.S3Uri: "ftp://bucket" is no S3 URI; s3://bucket/key is"#);
}

#[test]
fn training_jobs() {
    insta::assert_snapshot!(training(|t| t.algorithm_specification.training_input_mode = "Files".into()), @r#"error: Steps.Train.Arguments.AlgorithmSpecification.TrainingInputMode: "Files"; one of File, FastFile, Pipe is allowed"#);
    insta::assert_snapshot!(training(|t| {
        t.input_data_config = (0..21).map(|i| Channel::new(format!("c{i}"), "s3://bucket/k")).collect();
    }), @"error: Steps.Train.Arguments.InputDataConfig: 21 channels; at most 20 are allowed");
    insta::assert_snapshot!(training(|t| t.input_data_config[0].channel_name = "train data".to_owned()), @r#"error: Steps.Train.Arguments.InputDataConfig[0].ChannelName: "train data" is no channel; 1 to 64 of letters, digits, ., - and _ are allowed, but for . and .. alone"#);
    insta::assert_snapshot!(training(|t| t.input_data_config[0].channel_name = "..".to_owned()), @r#"error: Steps.Train.Arguments.InputDataConfig[0].ChannelName: ".." is no channel; 1 to 64 of letters, digits, ., - and _ are allowed, but for . and .. alone"#);
    insta::assert_snapshot!(training(|t| t.input_data_config[0].channel_name = ".".to_owned()), @r#"error: Steps.Train.Arguments.InputDataConfig[0].ChannelName: "." is no channel; 1 to 64 of letters, digits, ., - and _ are allowed, but for . and .. alone"#);
    assert_eq!(training(|t| t.input_data_config[0].channel_name = "train.csv".to_owned()), "");
    insta::assert_snapshot!(training(|t| t.input_data_config.push(t.input_data_config[0].clone())), @r#"error: Steps.Train.Arguments.InputDataConfig: two channels are called "train""#);
    insta::assert_snapshot!(training(|t| t.input_data_config[0].data_source.s3_data_source = None), @"error: Steps.Train.Arguments.InputDataConfig[0].DataSource: empty; S3DataSource is needed");
    insta::assert_snapshot!(training(|t| { t.hyper_parameters.insert("depth".to_owned(), 10_i64.into()); }), @"error: Steps.Train.Arguments.HyperParameters.depth: 10 is an integer where the service wants a string; put it in a Std:Join");
    insta::assert_snapshot!(training(|t| { t.hyper_parameters.insert("x".repeat(257), "1".into()); }), @"error: Steps.Train.Arguments.HyperParameters: a name of 257 characters; at most 256 are allowed");
    insta::assert_snapshot!(training(|t| { t.hyper_parameters.insert("long".to_owned(), "x".repeat(2501).into()); }), @"error: Steps.Train.Arguments.HyperParameters.long: 2501 characters; at most 2500 are allowed");
    insta::assert_snapshot!(training(|t| t.hyper_parameters.extend((0..100).map(|i| (i.to_string(), "".into())))), @"error: Steps.Train.Arguments.HyperParameters: 101 hyperparameters; at most 100 are allowed");
    insta::assert_snapshot!(training(|t| t.output_data_config.compression_type = Some("ZIP".into())), @r#"error: Steps.Train.Arguments.OutputDataConfig.CompressionType: "ZIP"; one of GZIP, NONE is allowed"#);
    let channel = |change: fn(&mut Channel)| training(|t| change(&mut t.input_data_config[0]));
    insta::assert_snapshot!(channel(|c| c.channel_name = "x".repeat(65)), @r#"error: Steps.Train.Arguments.InputDataConfig[0].ChannelName: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" is no channel; 1 to 64 of letters, digits, ., - and _ are allowed, but for . and .. alone"#);
    insta::assert_snapshot!(channel(|c| c.input_mode = Some("Stream".into())), @r#"error: Steps.Train.Arguments.InputDataConfig[0].InputMode: "Stream"; one of File, FastFile, Pipe is allowed"#);
    insta::assert_snapshot!(channel(|c| c.compression_type = Some("Zstd".into())), @r#"error: Steps.Train.Arguments.InputDataConfig[0].CompressionType: "Zstd"; one of None, Gzip is allowed"#);
    insta::assert_snapshot!(channel(|c| c.record_wrapper_type = Some("CSV".into())), @r#"error: Steps.Train.Arguments.InputDataConfig[0].RecordWrapperType: "CSV"; one of None, RecordIO is allowed"#);
    insta::assert_snapshot!(channel(|c| c.data_source.s3_data_source.as_mut().unwrap().s3_data_type = "Prefix".into()), @r#"error: Steps.Train.Arguments.InputDataConfig[0].DataSource.S3DataSource.S3DataType: "Prefix"; one of S3Prefix, ManifestFile, AugmentedManifestFile is allowed"#);
    insta::assert_snapshot!(channel(|c| {
        c.input_mode = Some("FastFile".into());
        c.data_source.s3_data_source.as_mut().unwrap().s3_data_type = "ManifestFile".into();
    }), @r#"error: Steps.Train.Arguments.InputDataConfig[0].DataSource.S3DataSource.S3DataType: "ManifestFile"; FastFile reads S3Prefix only"#);
    insta::assert_snapshot!(channel(|c| c.data_source.s3_data_source.as_mut().unwrap().s3_data_distribution_type = Some("Sharded".into())), @r#"error: Steps.Train.Arguments.InputDataConfig[0].DataSource.S3DataSource.S3DataDistributionType: "Sharded"; one of FullyReplicated, ShardedByS3Key is allowed"#);
}

#[test]
fn metrics() {
    let metrics = |metrics: Vec<MetricDefinition>| {
        training(|t| t.algorithm_specification.metric_definitions = metrics)
    };
    insta::assert_snapshot!(metrics((0..41).map(|i| MetricDefinition::new(i.to_string(), "(1)")).collect()), @"error: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions: 41 metrics; at most 40 are allowed");
    insta::assert_snapshot!(metrics(vec![MetricDefinition::new("a", "(1)"), MetricDefinition::new("a", "a=[0-9]+")]), @r#"
    error: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions: two metrics are called "a"
    error: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions[1].Regex: "a=[0-9]+" has no capture group, so there is no number to read
    "#);
    insta::assert_snapshot!(metrics(vec![MetricDefinition::new("x".repeat(256), "(1)".repeat(167))]), @r#"
    error: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions[0].Name: 256 characters; at most 255 are allowed
    error: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions[0].Regex: 501 characters; at most 500 are allowed
    "#);
    insta::assert_snapshot!(metrics(vec![MetricDefinition::new("", "(1)")]), @"error: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions[0].Name: empty; a value is needed");
    let regex = |regex: &str| metrics(vec![MetricDefinition::new("a", regex)]);
    insta::assert_snapshot!(regex("([0-9"), @r#"error: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions[0].Regex: "([0-9" is no regular expression: a [ without its ]"#);
    insta::assert_snapshot!(regex("a=([0-9]+"), @r#"error: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions[0].Regex: "a=([0-9]+" is no regular expression: a ( without its )"#);
    insta::assert_snapshot!(regex("a=[0-9]+)"), @r#"error: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions[0].Regex: "a=[0-9]+)" is no regular expression: a ) without its ("#);
    insta::assert_snapshot!(regex("a=(*)"), @r#"warning: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions[0].Regex: "a=(*)" cannot be read here, the service may know better: repetition operator missing expression"#);
    insta::assert_snapshot!(regex("(?<=a=)([0-9]+)"), @r#"warning: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions[0].Regex: "(?<=a=)([0-9]+)" cannot be read here, the service may know better: look-around, including look-ahead and look-behind, is not supported"#);
    insta::assert_snapshot!(regex("(?<=a=)[0-9]+"), @r#"
    warning: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions[0].Regex: "(?<=a=)[0-9]+" cannot be read here, the service may know better: look-around, including look-ahead and look-behind, is not supported
    error: Steps.Train.Arguments.AlgorithmSpecification.MetricDefinitions[0].Regex: "(?<=a=)[0-9]+" has no capture group, so there is no number to read
    "#);
    for fine in ["(?i)accuracy: ([0-9.]+)", "µ=(\\S+)", "#quality_metric: a=(.*?);", "(\\w{400})"]
    {
        assert_eq!(regex(fine), "", "{fine}");
    }
}

/// What is found in an argument of Register, without the place.
fn argument(expression: Expression) -> String {
    processing("Register", |p| p.app_specification.container_arguments = vec![expression]).replace(
        "Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: ",
        "",
    )
}

#[test]
fn members_of_answers() {
    let property = |step: &str, path: &str| argument(Expression::property(step, path));
    // below the first name: what was asked for
    insta::assert_snapshot!(property("Preprocess", "ProcessingOutputConfig.Outputs['train'].S3Output.S3Url"), @r#"error: Steps.Preprocess.ProcessingOutputConfig.Outputs['train'].S3Output has no "S3Url"; did you mean S3Uri?"#);
    insta::assert_snapshot!(property("Preprocess", "ProcessingOutputConfig.Output['train'].S3Output.S3Uri"), @r#"error: Steps.Preprocess.ProcessingOutputConfig has no "Output"; did you mean Outputs?"#);
    insta::assert_snapshot!(property("Preprocess", "ProcessingOutputConfig.Outputs[2].S3Output.S3Uri"), @"error: Steps.Preprocess.ProcessingOutputConfig.Outputs has no entry [2]; it has 2, the first is [0]");
    insta::assert_snapshot!(property("Preprocess", "ProcessingOutputConfig[0]"), @"error: Steps.Preprocess.ProcessingOutputConfig is no list, it has no [0]");
    insta::assert_snapshot!(property("Preprocess", "RoleArn.Name"), @"error: Steps.Preprocess.RoleArn is a value, nothing is in it");
    insta::assert_snapshot!(property("Preprocess", "Environment['RUST_LO']"), @r#"error: Steps.Preprocess.Environment has no "RUST_LO"; did you mean RUST_LOG?"#);
    insta::assert_snapshot!(property("Train", "HyperParameters.estimators"), @r#"error: Steps.Train.HyperParameters has no "estimators"; did you mean n_estimators?"#);
    insta::assert_snapshot!(property("Train", "InputDataConfig['train'].DataSource.S3DataSource.Uri"), @r#"error: Steps.Train.InputDataConfig['train'].DataSource.S3DataSource has no "Uri"; did you mean S3Uri?"#);
    insta::assert_snapshot!(property("Train", "AlgorithmSpecification.MetricDefinitions['train:acc'].Regex"), @r#"error: Steps.Train.AlgorithmSpecification.MetricDefinitions has no entry "train:acc"; did you mean train:accuracy?"#);
    // and what the service adds
    insta::assert_snapshot!(property("Train", "ModelArtifacts.S3Model"), @r#"error: Steps.Train.ModelArtifacts has no "S3Model"; did you mean S3ModelArtifacts?"#);
    insta::assert_snapshot!(property("Train", "ModelArtifacts.S3ModelArtifacts.Uri"), @"error: Steps.Train.ModelArtifacts.S3ModelArtifacts is a value, nothing is in it");
    // the first name
    insta::assert_snapshot!(property("Train", "ModelArtifact.S3ModelArtifacts"), @r#"error: Train has no property "ModelArtifact"; did you mean ModelArtifacts?"#);
    insta::assert_snapshot!(property("Train", "Carbon.Kilograms"), @r#"warning: Train has no property "Carbon""#);
    insta::assert_snapshot!(property("Train", "Tags[0].Value"), @r#"warning: Train has no property "Tags""#);
    insta::assert_snapshot!(property("Train", "[0]"), @"error: Steps.Train is no list, it has no [0]");
    // known, but not asked for
    insta::assert_snapshot!(property("Train", "OutputDataConfig.KmsKeyId"), @"warning: Train is not given OutputDataConfig.KmsKeyId; the service may have no value for it");
    insta::assert_snapshot!(property("Train", "CheckpointConfig.S3Uri"), @"warning: Train is not given CheckpointConfig.S3Uri; the service may have no value for it");
    for (step, path) in [
        ("Preprocess", "ProcessingJobName"),
        ("Preprocess", "ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"),
        ("Preprocess", "ProcessingOutputConfig.Outputs[1].S3Output.LocalPath"),
        ("Preprocess", "Environment.RUST_LOG"),
        ("Preprocess", "ExitMessage"),
        ("Evaluate", "StoppingCondition.MaxRuntimeInSeconds"),
        ("Evaluate", "AppSpecification.ContainerEntrypoint[0]"),
        ("Train", "ModelArtifacts.S3ModelArtifacts"),
        ("Train", "HyperParameters['n_estimators']"),
        ("Train", "ExperimentConfig.TrialName"),
        ("Train", "FinalMetricDataList['train:accuracy'].Value"),
        ("Train", "AlgorithmSpecification.MetricDefinitions['train:accuracy'].Regex"),
        ("Train", "InputDataConfig['train'].ContentType"),
    ] {
        assert_eq!(property(step, path), "", "{step} {path}");
    }
    // A member without a name here is in the answer if it was asked for.
    let mut kept = Step::new(
        "After",
        StepKind::Other {
            kind: "Lambda".to_owned(),
            arguments: json!({
                "Level": {"Get": "Steps.Preprocess.AppSpecification.Level.Of.Care"},
            }),
        },
    );
    kept.depends_on = vec!["Preprocess".to_owned()];
    insta::assert_snapshot!(findings(|d| {
        let StepKind::Processing(arguments) = &mut d.steps[0].kind else { panic!("{:?}", d.steps[0]) };
        arguments.app_specification.other.insert("Level".to_owned(), json!({"Of": {"Care": 1}}));
        d.steps.push(kept);
    }), @"warning: Steps.Preprocess.Arguments.AppSpecification.Level: unknown member, kept as it stands");
}

#[test]
fn objects_where_values_are_needed() {
    let train = || Expression::property("Preprocess", "ProcessingOutputConfig.Outputs['train']");
    insta::assert_snapshot!(argument(train()), @"error: Steps.Preprocess.ProcessingOutputConfig.Outputs['train'] is an object of OutputName, AppManaged, S3Output, FeatureStoreOutput; a value is needed here");
    insta::assert_snapshot!(argument(train().into_text()), @"error: Steps.Preprocess.ProcessingOutputConfig.Outputs['train'] is an object of OutputName, AppManaged, S3Output, FeatureStoreOutput; a value is needed here");
    insta::assert_snapshot!(argument(Expression::property("Train", "ModelArtifacts")), @"error: Steps.Train.ModelArtifacts is an object of S3ModelArtifacts; a value is needed here");
    insta::assert_snapshot!(argument(Expression::property("Train", "InputDataConfig")), @"error: Steps.Train.InputDataConfig is a list; a value is needed here");
    insta::assert_snapshot!(argument(Expression::property("Train", "HyperParameters")), @"error: Steps.Train.HyperParameters is an object; a value is needed here");
    insta::assert_snapshot!(training(|t| { t.hyper_parameters.insert("a".to_owned(), train()); }), @"error: Steps.Train.Arguments.HyperParameters.a: Steps.Preprocess.ProcessingOutputConfig.Outputs['train'] is an object of OutputName, AppManaged, S3Output, FeatureStoreOutput; a value is needed here");
    insta::assert_snapshot!(gate(|g| g.conditions = vec![Condition::compare(train(), Operator::Equals, "x")]), @"
    error: Steps.Gate.Arguments.Conditions[0].LeftValue: Steps.Preprocess.ProcessingOutputConfig.Outputs['train'] is an object of OutputName, AppManaged, S3Output, FeatureStoreOutput; a value is needed here
    warning: Parameters.MinF1: no step uses it, so choosing a value changes nothing
    warning: Parameters.Strict: no step uses it, so choosing a value changes nothing
    ");
    insta::assert_snapshot!(in_step("Stop", |s| s.kind = StepKind::Fail { error_message: train() }), @"error: Steps.Gate.ElseSteps.Stop.Arguments.ErrorMessage: Steps.Preprocess.ProcessingOutputConfig.Outputs['train'] is an object of OutputName, AppManaged, S3Output, FeatureStoreOutput; a value is needed here");
    // Elsewhere an object may be what is wanted.
    let groups = json!({"Get": "Steps.Preprocess.ProcessingOutputConfig.Outputs"});
    assert_eq!(
        training(|t| {
            t.resource_config.other.insert("InstanceGroups".to_owned(), groups);
        }),
        ""
    );
}

#[test]
fn members_without_a_name() {
    insta::assert_snapshot!(findings(|d| { d.other.insert("Paramaters".to_owned(), json!([])); }), @"warning: Paramaters: unknown member, kept as it stands; did you mean Parameters?");
    insta::assert_snapshot!(in_step("Train", |s| { s.other.insert("CacheConfg".to_owned(), json!({})); }), @"warning: Steps.Train.CacheConfg: unknown member, kept as it stands; did you mean CacheConfig?");
    insta::assert_snapshot!(in_step("Gate", |s| { s.other.insert("Dependson".to_owned(), json!([])); }), @"warning: Steps.Gate.Dependson: unknown member, kept as it stands; did you mean DependsOn?");
    insta::assert_snapshot!(processing("Register", |p| { p.other.insert("ProcessingInput".to_owned(), json!([])); }), @"warning: Steps.Gate.IfSteps.Register.Arguments.ProcessingInput: unknown member, kept as it stands; did you mean ProcessingInputs?");
    insta::assert_snapshot!(processing("Register", |p| { p.other.insert("Quantum".to_owned(), json!([])); }), @"warning: Steps.Gate.IfSteps.Register.Arguments.Quantum: unknown member, kept as it stands");
    insta::assert_snapshot!(processing("Evaluate", |p| {
        let input = &mut p.processing_inputs[1];
        input.other.insert("AppManage".to_owned(), json!(true));
        let s3 = input.s3_input.as_mut().unwrap();
        s3.other.insert("S3DataDistribution".to_owned(), json!("FullyReplicated"));
    }), @"
    warning: Steps.Evaluate.Arguments.ProcessingInputs[1].AppManage: unknown member, kept as it stands; did you mean AppManaged?
    warning: Steps.Evaluate.Arguments.ProcessingInputs[1].S3Input.S3DataDistribution: unknown member, kept as it stands; did you mean S3DataDistributionType?
    ");
    insta::assert_snapshot!(training(|t| {
        let groups = json!([{"InstanceTyp": "ml.m5.large"}]);
        t.resource_config.other.insert("InstanceGroups".to_owned(), groups);
    }), @"warning: Steps.Train.Arguments.ResourceConfig.InstanceGroups[0].InstanceTyp: unknown member, kept as it stands; did you mean InstanceType?");
    // Types of which the shape is not known here have members of their own.
    let lambda = |member: &str| {
        let kind = StepKind::Other { kind: "Lambda".to_owned(), arguments: json!({"a": 1}) };
        findings(|d| {
            let mut step = Step::new("Notify", kind);
            step.other.insert(member.to_owned(), json!("x"));
            d.steps.push(step);
        })
    };
    for own in [
        "FunctionArn",
        "OutputParameters",
        "SqsQueueUrl",
        "FailOnViolation",
        "RegisterNewBaseline",
        "SuppliedBaselineStatistics",
        "ModelPackageGroupName",
    ] {
        assert_eq!(lambda(own), "", "{own}");
    }
    insta::assert_snapshot!(lambda("DependOn"), @"warning: Steps.Notify.DependOn: unknown member, kept as it stands; did you mean DependsOn?");
    assert_eq!(
        findings(|d| {
            d.other.insert("MlflowConfig".to_owned(), json!(null));
        }),
        ""
    );
    assert_eq!(
        training(|t| {
            t.other.insert("RetryStrategy".to_owned(), json!({"MaximumRetryAttempts": 3}));
        }),
        ""
    );
}

#[test]
fn places_too_deep_to_read_are_cut() {
    let deep = (0..100).fold(Condition::Or(Vec::new()), |inner, _| Condition::Not(Box::new(inner)));
    insta::assert_snapshot!(gate(|g| g.conditions = vec![deep]), @"
    error: Steps.Gate.Arguments.Conditions[0].Condition.Condition.Condition.Condition.Condition.Condition.Condition.Condition.Condition.Condition.Condi…Condition.Condition.Condition.Condition.Condition.Condition.Condition.Condition.Condition.Conditions: empty; at least one condition is needed
    warning: Parameters.MinF1: no step uses it, so choosing a value changes nothing
    warning: Parameters.Strict: no step uses it, so choosing a value changes nothing
    ");
    let deep = (0..60).fold(json!({"Get": "Nothing"}), |inner, _| json!({"Größe": inner}));
    insta::assert_snapshot!(in_step("Train", |s| { s.other.insert("Unheard".to_owned(), deep); }), @r#"
    warning: Steps.Train.Unheard: unknown member, kept as it stands
    error: Steps.Train.Unheard.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.…ße.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe: "Nothing" is no reference; expected Parameters.<name>, Execution.<variable>, Steps.<step>.<property> or Steps.<step>.PropertyFiles.<name>
    "#);
}

#[test]
fn references() {
    insta::assert_snapshot!(argument(Expression::parameter("MinF")), @r#"error: there is no parameter "MinF"; did you mean MinF1?"#);
    insta::assert_snapshot!(argument(Expression::output("Preproces", "train")), @r#"error: there is no step "Preproces"; did you mean Preprocess?"#);
    insta::assert_snapshot!(argument(Expression::output("Preprocess", "trian")), @r#"error: Preprocess has no output "trian"; did you mean train?"#);
    insta::assert_snapshot!(argument(Expression::property("Evaluate", "ProcessingInputs['modle'].S3Input.S3Uri")), @r#"error: Evaluate has no input "modle"; did you mean model?"#);
    insta::assert_snapshot!(argument(Expression::property("Train", "InputDataConfig['test'].ContentType")), @r#"error: Train has no channel "test""#);
    insta::assert_snapshot!(argument(Expression::property("Gate", "Outcome")), @"error: Gate is a Condition step and has no properties");
    insta::assert_snapshot!(argument(Expression::json_get("Evaluate", "Rapport", "a")), @r#"error: Evaluate has no property file "Rapport"; did you mean Report?"#);
    insta::assert_snapshot!(argument(Expression::Get(Reference::PropertyFile { step: "Train".to_owned(), name: "Report".to_owned() })), @r#"error: Train has no property file "Report""#);
    insta::assert_snapshot!(processing("Register", |p| {
        p.other.insert("Unheard".to_owned(), json!({"Of": [{"Get": "Parameters"}]}));
    }), @r#"
    warning: Steps.Gate.IfSteps.Register.Arguments.Unheard: unknown member, kept as it stands
    error: Steps.Gate.IfSteps.Register.Arguments.Unheard.Of[0]: "Parameters" is no reference; expected Parameters.<name>, Execution.<variable>, Steps.<step>.<property> or Steps.<step>.PropertyFiles.<name>
    "#);
    insta::assert_snapshot!(findings(|d| d.parameters.push(Parameter::string("Unused", ""))), @"warning: Parameters.Unused: no step uses it, so choosing a value changes nothing");
}

#[test]
fn order_and_branches() {
    insta::assert_snapshot!(in_step("Train", |s| s.depends_on = vec!["Preproces".to_owned()]), @r#"error: Steps.Train.DependsOn[0]: there is no step "Preproces"; did you mean Preprocess?"#);
    insta::assert_snapshot!(in_step("Preprocess", |s| s.depends_on = vec!["Evaluate".to_owned()]), @"error: Steps: steps wait for one another: Preprocess -> Evaluate -> Preprocess");
    insta::assert_snapshot!(in_step("Train", |s| s.depends_on = vec!["Train".to_owned()]), @"error: Steps: steps wait for one another: Train -> Train");
    insta::assert_snapshot!(in_step("Register", |s| s.depends_on = vec!["Stop".to_owned()]), @"error: Steps.Gate.IfSteps.Register.DependsOn[0]: Stop is a Fail step, nothing runs after it");
    insta::assert_snapshot!(in_step("Stop", |s| s.depends_on = vec!["Register".to_owned()]), @"error: Steps.Gate.ElseSteps.Stop.DependsOn[0]: Register is in the other branch of Gate, so only one of the two ever runs");
    insta::assert_snapshot!(findings(|d| {
        let mut after = Step::fail("After", "no");
        after.depends_on = vec!["Register".to_owned()];
        d.steps.push(after);
    }), @"warning: Steps.After.DependsOn[0]: Register runs only when Gate takes its IfSteps; without it this step cannot run");
    insta::assert_snapshot!(gate(|g| {
        let inner = ConditionArguments { conditions: g.conditions.clone(), if_steps: vec![], else_steps: vec![] };
        g.if_steps.push(Step::new("Inner", inner));
    }), @"error: Steps.Gate.IfSteps.Inner: a Condition step inside a branch of Gate; the service refuses that");
}

#[test]
fn conditions() {
    let condition = |condition: Condition| gate(|g| g.conditions.push(condition));
    let parameter = Expression::parameter;
    insta::assert_snapshot!(condition(Condition::compare(parameter("Approval"), Operator::Equals, 1_i64)), @"error: Steps.Gate.Arguments.Conditions[2]: compares Parameters.Approval, a string, with 1, an integer");
    insta::assert_snapshot!(condition(Condition::compare(parameter("Trees"), Operator::LessThan, "200")), @r#"error: Steps.Gate.Arguments.Conditions[2]: compares Parameters.Trees, an integer, with "200", a string"#);
    insta::assert_snapshot!(condition(Condition::compare(parameter("Strict"), Operator::LessThan, true)), @r#"
    error: Steps.Gate.Arguments.Conditions[2]: Parameters.Strict is a boolean and has no order; use Equals
    error: Steps.Gate.Arguments.Conditions[2]: true is a boolean and has no order; use Equals
    "#);
    insta::assert_snapshot!(condition(Condition::In { query: parameter("Trees"), values: vec![1.5.into(), "1".into()] }), @r#"error: Steps.Gate.Arguments.Conditions[2].Values[1]: compares Parameters.Trees, an integer, with "1", a string"#);
    insta::assert_snapshot!(condition(Condition::Not(Box::new(Condition::Or(Vec::new())))), @"error: Steps.Gate.Arguments.Conditions[2].Condition.Conditions: empty; at least one condition is needed");
    insta::assert_snapshot!(condition(Condition::In { query: parameter("Trees"), values: Vec::new() }), @"error: Steps.Gate.Arguments.Conditions[2].Values: empty; nothing can be in it");
    assert_eq!(
        condition(Condition::compare(parameter("Trees"), Operator::LessThan, parameter("MinF1"))),
        ""
    );
}

#[test]
fn everything_is_reported_at_once() {
    let mut definition = common::example();
    for index in 0..50 {
        let mut step = find(&mut definition.steps, "Evaluate").unwrap().clone();
        step.name = format!("Evaluate again {index}");
        step.depends_on = vec!["Trian".to_owned()];
        definition.steps.push(step);
    }
    definition
        .parameters
        .push(Parameter { kind: ParameterType::Boolean, ..Parameter::string("Odd", "x") });
    let findings = lint(&definition);
    // 50 names, 50 dependencies, the default, the parameter nobody uses
    assert_eq!(findings.len(), 102);
    assert_eq!(findings.iter().filter(|f| f.severity == Severity::Warning).count(), 1);
}

#[test]
fn prefixes_made_of_one_another_come_to_an_end() {
    let mut definition = common::example();
    for level in 0..12 {
        let mut step = find(&mut definition.steps, "Preprocess").unwrap().clone();
        step.name = format!("Level{level}");
        let StepKind::Processing(arguments) = &mut step.kind else { panic!("{step:?}") };
        let next = || Expression::output(format!("Level{}", (level + 1) % 12), "train");
        let uri = Expression::join("", (0..30).map(|_| next()));
        arguments.processing_output_config.as_mut().unwrap().outputs[0] =
            ProcessingOutput::new("train", uri, "/opt/ml/processing/output/train");
        definition.steps.push(step);
    }
    let findings = lint(&definition);
    assert!(findings.iter().any(|f| f.message.contains("wait for one another")), "{findings:?}");
}

#[test]
fn thousands_of_steps_take_a_moment() {
    const STEPS: usize = 20_000;
    let name = |index: usize| format!("Step{index}");
    // Each waits for the one written after it, so the first in order is the last written.
    let steps = (0..STEPS).map(|index| Step {
        depends_on: (index + 1 < STEPS).then(|| name(index + 1)).into_iter().collect(),
        ..Step::new(
            name(index),
            StepKind::Other { kind: "Lambda".to_owned(), arguments: json!({}) },
        )
    });
    let mut definition = Definition::new(Vec::new(), steps.collect());
    let begun = std::time::Instant::now();
    insta::assert_snapshot!(lint(&definition)[0], @"warning: definition: 2697995 bytes; the service takes at most 1048576 in a request, larger ones from S3");
    let graph = definition.graph();
    let order = graph.order().unwrap();
    assert_eq!((order.len(), order[0]), (STEPS, "Step19999"));
    definition.steps[STEPS - 1].depends_on.push(name(0));
    assert_eq!(definition.graph().order().unwrap_err().steps.len(), STEPS + 1);
    for step in &mut definition.steps[..4000] {
        step.depends_on[0].push('x');
    }
    // the size, and 4,000 names that are no step's
    assert_eq!(lint(&definition).len(), 4001);
    // A few seconds; half an hour when each step is looked for among all others.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
