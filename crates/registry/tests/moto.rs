//! SageMaker's Model Registry against a live moto server.
#![cfg(feature = "aws")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::sagemaker::registry;
use common::{group, version};
use registry::{Registry, Status};
use testkit::aws::{Answer, Rule, Server, moto};

#[test]
fn moto_accepts_the_requests() {
    let Some(endpoint) = moto() else { return };
    let registry = registry(&endpoint);
    let name = format!("machine-downtime-{}", std::process::id());
    let group = registry::Group { name: name.clone(), ..group() };
    registry.ensure_group(&group).unwrap();
    registry.ensure_group(&group).unwrap();
    let new = registry::NewVersion { group: name.clone(), ..version("job-1") };
    let made = registry.create_version(&new).unwrap();
    assert_eq!((made.version, made.status), (1, Status::Completed));
    assert_eq!((made.serving.clone(), made.metadata.clone()), (new.serving, new.metadata));
    assert_eq!((made.metrics_url.clone(), made.source.clone()), (new.metrics_url, new.source));
    assert_eq!(registry.describe(&made.arn).unwrap(), made);
    let absent = registry.describe(&made.arn.replace("/1", "/7")).unwrap_err();
    assert!(matches!(absent, registry::RegistryError::NoVersion { .. }), "{absent:?}");
}

#[test]
fn a_bad_connection_to_moto_is_survived() {
    let Some(endpoint) = moto() else { return };
    let bad = [Answer::throttled(), Answer::closed(), Answer::unavailable(), Answer::forwarded()];
    let server =
        Server::proxy(&endpoint, vec![Rule::answers("CreateModelPackageGroup", bad.clone())]);
    let name = format!("machine-downtime-bad-connection-{}", std::process::id());
    registry(&server.url).ensure_group(&registry::Group { name, ..group() }).unwrap();
    assert_eq!(server.count("DescribeModelPackageGroup"), 1);
    assert_eq!(server.count("CreateModelPackageGroup"), bad.len());
}
