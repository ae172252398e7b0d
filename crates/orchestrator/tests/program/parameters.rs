//! The parameters that `-p` sets.

use crate::Place;

#[test]
fn parameters_are_checked_against_the_definition() {
    let place = Place::new();
    let refused = |parameter: &str| place.run(&["-p", parameter]).expect(2).stderr;
    insta::assert_snapshot!(refused("MaxDepht=3"), @"error: parameter MaxDepht: the pipeline has none of this name; did you mean MaxDepth?");
    insta::assert_snapshot!(refused("MaxDepth=deep"), @r#"error: parameter MaxDepth (Integer): found "deep", expected a whole number of 64 bits"#);
    insta::assert_snapshot!(refused("MaxDepth"), @"error: -p MaxDepth: expected NAME=VALUE, such as -p MaxDepth=12");
    insta::assert_snapshot!(refused("ClassWeight=heavy"), @r#"error: hyperparameter class_weight is `heavy`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(refused(r#"ClassWeight={"negative":1,"positive":0}"#), @r#"error: hyperparameter class_weight is `{"negative":1,"positive":0}`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(refused(r#"ClassWeight={"positive":5}"#), @r#"error: hyperparameter class_weight is `{"positive":5}`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(refused("ModelApprovalStatus=Maybe"), @r#"error: parameter ModelApprovalStatus (String): found "Maybe", expected one of PendingManualApproval, Rejected"#);
    insta::assert_snapshot!(refused("MinRecall=1.5"), @"error: parameter MinRecall is `1.5`, expected a number from 0 to 1");
    insta::assert_snapshot!(refused("EvaluationInstanceCount=2"), @"error: parameter EvaluationInstanceCount is `2`, expected 1, because the step works on the whole table at once");
    insta::assert_snapshot!(refused("TrainingInstanceCount=0"), @"error: parameter TrainingInstanceCount is `0`, expected 1 to 100, and no more than the 200 trees of n_estimators");
    insta::assert_snapshot!(refused("TrainingInstanceCount=101"), @"error: parameter TrainingInstanceCount is `101`, expected 1 to 100, and no more than the 200 trees of n_estimators");
    let few = place.run(&["-p", "NEstimators=2", "-p", "TrainingInstanceCount=3"]).expect(2).stderr;
    insta::assert_snapshot!(few, @"error: parameter TrainingInstanceCount is `3`, expected 1 to 100, and no more than the 2 trees of n_estimators");
    insta::assert_snapshot!(refused("ModelPackageGroupName=a_b"), @"error: parameter ModelPackageGroupName: model package group is `a_b`, expected 1 to 63 letters and digits with hyphens between them");
    let twice = place.run(&["-p", "MaxDepth=3", "-p", "MaxDepth=4"]).expect(2).stderr;
    insta::assert_snapshot!(twice, @"error: -p MaxDepth is given twice, expected once");
    insta::assert_snapshot!(refused("NEstimators=0"), @"error: hyperparameter n_estimators is `0`, expected a whole number from 1 to 100000");
    insta::assert_snapshot!(refused("MinSamplesLeaf=none"), @"error: hyperparameter min_samples_leaf is `none`, expected a whole number of rows from 1, or a share of the rows such as 0.01");
    insta::assert_snapshot!(refused("TestSize=1"), @"error: parameter TestSize is `1.0`, expected a number between 0 and 1, both excluded");
    insta::assert_snapshot!(refused("MinRecall=high"), @r#"error: parameter MinRecall (Float): found "high", expected a finite number"#);
    insta::assert_snapshot!(refused("InputDataUrl="), @r#"error: parameter InputDataUrl (String): found "", expected text of 1 to 1024 characters"#);
    insta::assert_snapshot!(refused("EvaluationInstanceType=m5.large"), @r#"error: parameter EvaluationInstanceType: Steps.Evaluate.Arguments.ProcessingResources.ClusterConfig.InstanceType: "m5.large" is no instance type; ml.<family>.<size> is expected"#);
    insta::assert_snapshot!(refused("InputDataUrl=s3://Bucket/key"), @r#"error: parameter InputDataUrl: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.S3Uri: "Bucket" is no bucket name; 3 to 63 of lower-case letters, digits, - and . are allowed, a letter or digit first and last, no .. and no IP address"#);
    assert!(!place.path("runs").exists(), "nothing was begun");
}
