//! The bucket.

use std::time::Duration;

use serde_yaml::Value;

use super::Parts;
use super::value::{POLICY_VERSION, arn, filled, list, reference};
use crate::needs::Needs;

/// How long what was overwritten or deleted can be had back, in days.
const OLD_VERSION_DAYS: u64 = 90;
/// How long an upload may take, in days; after that its parts are litter.
const UPLOAD_DAYS: u64 = 7;
/// How long training and test data are kept, in days. The models that came of them stay.
const PROCESSED_DAYS: u64 = 90;

pub(super) fn add(needs: &Needs<'_>, parts: &mut Parts) {
    let paths = &needs.settings.s3_paths;
    let processed = format!("{}/", paths.processed_data.trim_end_matches('/'));
    parts.resource(
        "Bucket",
        object! {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": object! {
                "BucketName": paths.bucket.as_str(),
                "BucketEncryption": object! {
                    "ServerSideEncryptionConfiguration": list([encryption(needs)]),
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
                            "ExpirationInDays": processed_days(needs),
                        },
                    ]),
                },
            },
        },
    );
    parts.resource(
        "BucketPolicy",
        object! {
            "Type": "AWS::S3::BucketPolicy",
            // the bucket that stays behind goes on refusing plain HTTP
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
                        "Resource": list([arn("Bucket"), filled("${Bucket.Arn}/*")]),
                        "Condition": object! { "Bool": object! { "aws:SecureTransport": "false" } },
                    }]),
                },
            },
        },
    );
    parts.output(
        "Bucket",
        object! {
            "Description": "Where tables, data, models and reports live",
            "Value": reference("Bucket"),
        },
    );
}

fn encryption(needs: &Needs<'_>) -> Value {
    match &needs.settings.aws.kms.output_key {
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

/// A step that is taken from the cache points at the data of an earlier execution, so that data
/// must outlive the cache, by as much as a long execution takes.
fn processed_days(needs: &Needs<'_>) -> u64 {
    let cache = &needs.settings.cache;
    let cached = pipeline::duration(&cache.expire_after).filter(|_| cache.enabled);
    let cached = cached.unwrap_or(Duration::ZERO).as_secs().div_ceil(24 * 60 * 60);
    PROCESSED_DAYS.max(cached.saturating_add(30))
}
