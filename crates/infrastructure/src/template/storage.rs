//! The S3 bucket.

use std::time::Duration;

use serde_yaml::Value;

use super::sections::Sections;
use super::value::{POLICY_VERSION, arn, list, put, reference, substitute};
use crate::inventory::Inventory;

/// The parameter and condition that decide whether the template creates the bucket.
const CREATE: &str = "CreateBucket";
/// The retention of overwritten and deleted objects, in days.
const OLD_VERSION_DAYS: u64 = 90;
/// The number of days after which the parts of an unfinished upload are deleted.
const UPLOAD_DAYS: u64 = 7;
/// The minimum retention of training and test data, in days. Models are kept without limit.
const PROCESSED_DAYS: u64 = 90;

pub(super) fn add(inventory: &Inventory<'_>, sections: &mut Sections) {
    let paths = &inventory.settings.s3_paths;
    let processed = format!("{}/", paths.processed_data.trim_end_matches('/'));
    sections.choice(CREATE, "Whether to make the bucket: false where it is there");
    let starts = inventory.settings.schedule.as_ref().is_some_and(|it| it.on_new_objects);
    let events = object! {
        "EventBridgeConfiguration": object! { "EventBridgeEnabled": true },
    };
    let mut properties = bucket(inventory, &processed);
    put(&mut properties, "NotificationConfiguration", starts.then_some(events));
    sections.resource(
        "Bucket",
        object! {
            "Type": "AWS::S3::Bucket",
            "Condition": CREATE,
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": properties,
        },
    );
    sections.resource(
        "BucketPolicy",
        object! {
            "Type": "AWS::S3::BucketPolicy",
            "Condition": CREATE,
            // A retained bucket keeps refusing plain HTTP.
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": object! {
                "Bucket": reference("Bucket"),
                "PolicyDocument": object! {
                    "Version": POLICY_VERSION,
                    "Statement": list([object! {
                        "Sid": "EncryptedTransportOnly",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": list([arn("Bucket"), substitute("${Bucket.Arn}/*")]),
                        "Condition": object! { "Bool": object! { "aws:SecureTransport": "false" } },
                    }]),
                },
            },
        },
    );
    sections.output(
        "Bucket",
        object! {
            "Description": "Where tables, data, models and reports live",
            "Value": paths.bucket.as_str(),
        },
    );
}

/// Returns the properties of the bucket.
fn bucket(inventory: &Inventory<'_>, processed: &str) -> Value {
    object! {
        "BucketName": inventory.settings.s3_paths.bucket.as_str(),
        "BucketEncryption": object! {
            "ServerSideEncryptionConfiguration": list([encryption(inventory)]),
        },
        "PublicAccessBlockConfiguration": object! {
            "BlockPublicAcls": true,
            "BlockPublicPolicy": true,
            "IgnorePublicAcls": true,
            "RestrictPublicBuckets": true,
        },
        "OwnershipControls": object! {
            "Rules": list([object! { "ObjectOwnership": "BucketOwnerEnforced" }]),
        },
        "VersioningConfiguration": object! { "Status": "Enabled" },
        "LifecycleConfiguration": object! {
            "Rules": list([
                object! {
                    "Id": "OldVersions",
                    "Status": "Enabled",
                    "NoncurrentVersionExpiration": object! { "NoncurrentDays": OLD_VERSION_DAYS },
                    "ExpiredObjectDeleteMarker": true,
                },
                object! {
                    "Id": "UnfinishedUploads",
                    "Status": "Enabled",
                    "AbortIncompleteMultipartUpload": object! { "DaysAfterInitiation": UPLOAD_DAYS },
                },
                object! {
                    "Id": "ProcessedData",
                    "Status": "Enabled",
                    "Prefix": processed,
                    "ExpirationInDays": processed_days(inventory),
                },
            ]),
        },
    }
}

fn encryption(inventory: &Inventory<'_>) -> Value {
    match &inventory.settings.aws.kms.output_key {
        Some(key) => object! {
            "BucketKeyEnabled": true,
            "ServerSideEncryptionByDefault": object! {
                "SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": key.as_str(),
            },
        },
        None => object! {
            "ServerSideEncryptionByDefault": object! { "SSEAlgorithm": "AES256" },
        },
    }
}

/// Returns the retention of training and test data in days. A cached step refers to the data of an
/// earlier execution, so the data must outlive the cache, by the length of a long execution.
fn processed_days(inventory: &Inventory<'_>) -> u64 {
    let cache = &inventory.settings.cache;
    let cached = pipeline::duration(&cache.expire_after).filter(|_| cache.enabled);
    let cached = cached.unwrap_or(Duration::ZERO).as_secs().div_ceil(24 * 60 * 60);
    PROCESSED_DAYS.max(cached.saturating_add(30))
}
