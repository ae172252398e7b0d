//! How the number of an endpoint's instances follows the traffic.

use std::fmt;

use aws::CallError;
use aws::autoscaling::types as api;

use super::configuration::number;
use super::{Autoscaling, ScalingMetric, VARIANT};
use crate::{Cloud, CloudError};

/// The name of the scaling policy.
const POLICY: &str = "follow-the-traffic";
const NAMESPACE: api::ServiceNamespace = api::ServiceNamespace::Sagemaker;
const DIMENSION: api::ScalableDimension =
    api::ScalableDimension::SageMakerVariantDesiredInstanceCount;

/// How the number of an endpoint's instances follows the traffic now.
#[derive(Clone, Debug)]
pub struct DeployedScaling {
    min: i32,
    max: i32,
    /// This program's policy. Something else may have made another one.
    policy: Option<Autoscaling>,
}

impl fmt::Display for DeployedScaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.policy {
            Some(policy) => policy.fmt(f),
            None => write!(f, "{} to {} instances, by another policy", self.min, self.max),
        }
    }
}

impl fmt::Display for Autoscaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min, max, target, scale_out_cooldown, scale_in_cooldown, .. } = self;
        let of = match self.metric {
            ScalingMetric::Invocations => "invocations a minute of each",
            ScalingMetric::Backlog => "requests that wait for each",
        };
        write!(
            f,
            "{min} to {max} instances, {target} {of}, cooldowns {scale_out_cooldown} s and {scale_in_cooldown} s"
        )
    }
}

impl Cloud {
    /// Returns how the number of the endpoint's instances follows the traffic, or `None` if it does not.
    ///
    /// # Errors
    ///
    /// Fails if Application Auto Scaling refuses.
    pub fn autoscaling(&self, endpoint: &str) -> Result<Option<DeployedScaling>, CloudError> {
        let client = self.aws.autoscaling();
        let resource = resource_id(endpoint);
        let call = client
            .describe_scalable_targets()
            .service_namespace(NAMESPACE)
            .resource_ids(&resource)
            .scalable_dimension(DIMENSION);
        let answer =
            self.aws.call("application-autoscaling:DescribeScalableTargets", call.send())?;
        let Some(target) = answer.scalable_targets.unwrap_or_default().into_iter().next() else {
            return Ok(None);
        };
        let call = client
            .describe_scaling_policies()
            .service_namespace(NAMESPACE)
            .resource_id(&resource)
            .scalable_dimension(DIMENSION);
        let answer =
            self.aws.call("application-autoscaling:DescribeScalingPolicies", call.send())?;
        let (min, max) = (target.min_capacity, target.max_capacity);
        let mut policies = answer.scaling_policies.unwrap_or_default().into_iter();
        let policy = policies.find(|policy| policy.policy_name == POLICY);
        let policy = policy.and_then(|it| it.target_tracking_scaling_policy_configuration);
        let count = |number: i32| u32::try_from(number).unwrap_or_default();
        let policy = policy.map(|it| Autoscaling {
            min: count(min),
            max: count(max),
            target: it.target_value,
            metric: match it.customized_metric_specification {
                Some(_) => ScalingMetric::Backlog,
                None => ScalingMetric::Invocations,
            },
            scale_out_cooldown: count(it.scale_out_cooldown.unwrap_or_default()),
            scale_in_cooldown: count(it.scale_in_cooldown.unwrap_or_default()),
        });
        Ok(Some(DeployedScaling { min, max, policy }))
    }

    /// Makes the number of the endpoint's instances follow the traffic again as it did, after an update
    /// that was undone.
    ///
    /// # Errors
    ///
    /// Fails if Application Auto Scaling refuses.
    pub fn restore_autoscaling(
        &self,
        endpoint: &str,
        scaling: Option<&DeployedScaling>,
    ) -> Result<(), CloudError> {
        let policy = scaling.and_then(|scaling| scaling.policy.as_ref());
        policy.map_or(Ok(()), |policy| self.set_autoscaling(endpoint, policy))
    }

    /// Makes the number of the endpoint's instances follow the traffic.
    ///
    /// # Errors
    ///
    /// Fails if Application Auto Scaling refuses.
    pub fn set_autoscaling(&self, endpoint: &str, scaling: &Autoscaling) -> Result<(), CloudError> {
        let client = self.aws.autoscaling();
        let resource = resource_id(endpoint);
        let call = client
            .register_scalable_target()
            .service_namespace(NAMESPACE)
            .resource_id(&resource)
            .scalable_dimension(DIMENSION)
            .min_capacity(number(scaling.min))
            .max_capacity(number(scaling.max));
        self.aws.call("application-autoscaling:RegisterScalableTarget", call.send())?;
        let tracking = api::TargetTrackingScalingPolicyConfiguration::builder()
            .target_value(scaling.target)
            .scale_out_cooldown(number(scaling.scale_out_cooldown))
            .scale_in_cooldown(number(scaling.scale_in_cooldown));
        let tracking = match scaling.metric {
            ScalingMetric::Backlog => tracking.customized_metric_specification(backlog(endpoint)),
            ScalingMetric::Invocations => {
                let metric = api::PredefinedMetricSpecification::builder().predefined_metric_type(
                    api::MetricType::SageMakerVariantInvocationsPerInstance,
                );
                tracking.set_predefined_metric_specification(metric.build().ok())
            }
        };
        let call = client
            .put_scaling_policy()
            .policy_name(POLICY)
            .service_namespace(NAMESPACE)
            .resource_id(&resource)
            .scalable_dimension(DIMENSION)
            .policy_type(api::PolicyType::TargetTrackingScaling)
            .set_target_tracking_scaling_policy_configuration(tracking.build().ok());
        self.aws.call("application-autoscaling:PutScalingPolicy", call.send())?;
        Ok(())
    }

    /// Makes the number of the endpoint's instances stay as it is, with the policies that changed it.
    ///
    /// # Errors
    ///
    /// Fails if Application Auto Scaling refuses.
    pub fn remove_autoscaling(&self, endpoint: &str) -> Result<(), CloudError> {
        let call = self
            .aws
            .autoscaling()
            .deregister_scalable_target()
            .service_namespace(NAMESPACE)
            .resource_id(resource_id(endpoint))
            .scalable_dimension(DIMENSION);
        let answer = self.aws.call("application-autoscaling:DeregisterScalableTarget", call.send());
        CallError::if_there(answer)?;
        Ok(())
    }
}

fn resource_id(endpoint: &str) -> String {
    format!("endpoint/{endpoint}/variant/{VARIANT}")
}

/// Returns the metric of the requests that wait for each instance of an asynchronous endpoint.
fn backlog(endpoint: &str) -> api::CustomizedMetricSpecification {
    let dimension = api::MetricDimension::builder().name("EndpointName").value(endpoint);
    api::CustomizedMetricSpecification::builder()
        .metric_name("ApproximateBacklogSizePerInstance")
        .namespace("AWS/SageMaker")
        .set_dimensions(dimension.build().ok().map(|dimension| vec![dimension]))
        .statistic(api::MetricStatistic::Average)
        .build()
}
