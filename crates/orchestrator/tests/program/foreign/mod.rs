//! Runs of definitions written by others, with shell scripts as programs.

mod cache;
mod confinement;
mod contract;
mod hosts;
mod limits;
mod registration;
mod scheduling;
mod sdk;

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::Place;

/// Returns a Processing step that runs `program`, with inputs by name and S3 URI, and with one
/// output `out` to `s3://bucket/<name>`.
fn processing(name: &str, program: &str, arguments: &[Value], inputs: &[(&str, Value)]) -> Value {
    let inputs: Vec<_> = inputs
        .iter()
        .map(|(name, uri)| {
            json!({
                "InputName": name,
                "S3Input": {
                    "S3Uri": uri,
                    "LocalPath": format!("/opt/ml/processing/{name}"),
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            })
        })
        .collect();
    json!({
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": { "ClusterConfig": {
                "InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10,
            } },
            "AppSpecification": {
                "ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/any:1",
                "ContainerEntrypoint": [format!("/usr/local/bin/{program}")],
                "ContainerArguments": arguments,
            },
            "RoleArn": "arn:aws:iam::123456789012:role/pipelines",
            "ProcessingInputs": inputs,
            "ProcessingOutputConfig": { "Outputs": [{
                "OutputName": "out",
                "S3Output": {
                    "S3Uri": format!("s3://bucket/{name}"),
                    "LocalPath": "/opt/ml/processing/out",
                    "S3UploadMode": "EndOfJob",
                },
            }] },
        },
    })
}

/// Returns the JSON of a definition.
fn definition(parameters: &Value, steps: &[Value]) -> String {
    json!({
        "Version": "2020-12-01", "Metadata": {}, "Parameters": parameters, "Steps": steps,
    })
    .to_string()
}

impl Place {
    /// Writes a shell script that stands for a program.
    fn program(&self, name: &str, script: &str) {
        let path = self.file(&format!("bin/{name}"), format!("#!/bin/sh\nset -e\n{script}\n"));
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a definition with the programs in `bin`, and returns the result.
    fn foreign(&self, code: i32, definition: &str, more: &[&str]) -> Value {
        let file = self.file("definition.json", definition);
        let arguments = ["--programs", "bin", "--definition", file.as_str()];
        self.json(code, &[&arguments, more].concat())
    }
}

/// Returns a reference to the output `out` of a step.
fn property(step: &str) -> Value {
    json!({ "Get": format!("Steps.{step}.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri") })
}

/// Returns the names of the entries of a `tar.gz` archive.
fn entries(path: &camino::Utf8Path) -> Vec<String> {
    let bytes = fs_err::read(path).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
    let entries = archive.entries().unwrap();
    entries.map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
}
