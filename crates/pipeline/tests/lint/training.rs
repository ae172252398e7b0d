//! Checks of the arguments of Training steps.

use pipeline::{Channel, MetricDefinition};

use crate::training;

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
