//! Checks of the inputs and outputs of Processing steps.

use pipeline::{Expression, ProcessingInput, ProcessingOutput};

use crate::processing;

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
