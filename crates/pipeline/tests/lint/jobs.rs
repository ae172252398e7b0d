//! Checks of the arguments that Processing and Training steps share.

use pipeline::{CheckpointConfig, Expression, ProcessingArguments, Tag, VpcConfig};
use serde_json::json;

use crate::{findings, processing, training};

#[test]
fn instances_and_time_limits() {
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
        // 2^63, which no 64-bit number with a sign holds.
        t.stopping_condition.max_runtime_in_seconds = Expression::Literal(json!(1_u64 << 63));
    }), @"error: Steps.Train.Arguments.StoppingCondition.MaxRuntimeInSeconds: 9223372036854775808; 1 to 2419200 is allowed");
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
    insta::assert_snapshot!(training(|t| t.tags = vec![Tag::new("a b=c", "two\nlines"), Tag::new("R&D", "")]), @r#"
    error: Steps.Train.Arguments.Tags[0].Value: '\n' in a tag; letters, digits, spaces and _ . : / = + - @ are allowed
    error: Steps.Train.Arguments.Tags[1].Key: '&' in a tag; letters, digits, spaces and _ . : / = + - @ are allowed
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
    insta::assert_snapshot!(processing("Register", |p| arguments(p, vec!["a".into(), "ä".repeat(257).into()])), @r#"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[1]: "äääääääääääääääääääääääää…": 257 characters; at most 256 are allowed"#);
    insta::assert_snapshot!(processing("Register", |p| {
        let long = Expression::join("", ["x".repeat(238).into(), Expression::parameter("InputUrl")]);
        arguments(p, vec![long]);
    }), @r#"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…": 257 characters; at most 256 are allowed (parameters counted by their defaults)"#);
    insta::assert_snapshot!(processing("Register", |p| {
        // 231 characters, 20 of "s3://my-bucket/runs/" and 6 of "/train" are 257, without the
        // execution's id.
        let uri = Expression::output("Preprocess", "train");
        arguments(p, vec![Expression::join("", ["x".repeat(231).into(), uri])]);
    }), @r#"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…": at least 257 characters, Execution.PipelineExecutionId not yet known; at most 256 are allowed"#);
    insta::assert_snapshot!(processing("Register", |p| arguments(p, vec![Expression::parameter("Trees")])), @"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: Parameters.Trees is an integer where the service wants a string; put it in a Std:Join");
    insta::assert_snapshot!(processing("Register", |p| arguments(p, vec![0.5.into()])), @"error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: 0.5 is a float where the service wants a string; put it in a Std:Join");
    insta::assert_snapshot!(processing("Register", |p| {
        arguments(p, vec!["a".into()]);
        p.app_specification.container_entrypoint.clear();
    }), @"warning: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments: without ContainerEntrypoint; the service uses the image's, but the official SDK's local mode needs both");
    insta::assert_snapshot!(training(|t| t.algorithm_specification.container_entrypoint = vec!["x".repeat(257).into()]), @r#"error: Steps.Train.Arguments.AlgorithmSpecification.ContainerEntrypoint[0]: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…": 257 characters; at most 256 are allowed"#);
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
fn s3_uris() {
    let output = |uri: Expression| training(|t| t.output_data_config.s3_output_path = uri);
    insta::assert_snapshot!(output("/models".into()), @r#"
    error: Steps.Train.Arguments.OutputDataConfig.S3OutputPath: "/models" is no S3 URI; s3://bucket/key is
    error: Steps.Evaluate.Arguments.ProcessingInputs[0].S3Input.S3Uri: "/models" is no S3 URI; s3://bucket/key is
    "#);
    insta::assert_snapshot!(output("".into()), @r#"error: Steps.Train.Arguments.OutputDataConfig.S3OutputPath: "" is no S3 URI; s3://bucket/key is"#);
    insta::assert_snapshot!(output("s3://My_Bucket/models".into()), @r#"
    error: Steps.Train.Arguments.OutputDataConfig.S3OutputPath: "My_Bucket" is no bucket name; 3 to 63 of lower-case letters, digits, - and . are allowed, a letter or digit first and last, no .. and no IP address
    error: Steps.Evaluate.Arguments.ProcessingInputs[0].S3Input.S3Uri: "My_Bucket" is no bucket name; 3 to 63 of lower-case letters, digits, - and . are allowed, a letter or digit first and last, no .. and no IP address
    "#);
    for bucket in ["a..b", "192.168.0.1", "-ab", "ab."] {
        let found = output(format!("s3://{bucket}/models").into());
        assert!(found.contains(&format!("{bucket:?} is no bucket name")), "{found}");
    }
    insta::assert_snapshot!(output(format!("s3://bucket/{}", "x".repeat(1013)).into()), @"
    error: Steps.Train.Arguments.OutputDataConfig.S3OutputPath: 1025 characters; at most 1024 are allowed
    error: Steps.Evaluate.Arguments.ProcessingInputs[0].S3Input.S3Uri: at least 1025 characters, Steps.Train.ModelArtifacts.S3ModelArtifacts not yet known; at most 1024 are allowed
    ");
    insta::assert_snapshot!(output(Expression::join("/", ["models".into(), Expression::property("Preprocess", "ProcessingJobName")])), @r#"
    error: Steps.Train.Arguments.OutputDataConfig.S3OutputPath: "models/" is no S3 URI; s3://bucket/key is
    error: Steps.Evaluate.Arguments.ProcessingInputs[0].S3Input.S3Uri: "models/" is no S3 URI; s3://bucket/key is
    "#);
    // The bucket may be unknown.
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
