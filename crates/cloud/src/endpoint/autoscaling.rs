//! How the number of an endpoint's instances follows the traffic.

use aws::autoscaling::types as api;

use super::configuration::number;
use super::{Autoscaling, DesiredEndpoint, EndpointPlan, Hosting, VARIANT};
use crate::{Cloud, CloudError};

/// The name of the scaling policy.
const POLICY: &str = "follow-the-traffic";
const NAMESPACE: api::ServiceNamespace = api::ServiceNamespace::Sagemaker;
const DIMENSION: api::ScalableDimension =
    api::ScalableDimension::SageMakerVariantDesiredInstanceCount;

impl Autoscaling {
    pub(super) fn to_text(&self) -> String {
        text(
            (self.min.into(), self.max.into()),
            Some((self.target, self.scale_out_cooldown.into(), self.scale_in_cooldown.into())),
        )
    }
}

fn text((min, max): (i64, i64), policy: Option<(f64, i64, i64)>) -> String {
    let policy = policy.map(|(target, out, back)| {
        format!(", {target} a minute or waiting for each, cooldowns {out} s and {back} s")
    });
    format!("{min} to {max} instances{}", policy.unwrap_or_default())
}

impl Cloud {
    /// Returns how the number of the endpoint's instances follows the traffic, or `None` if it does not.
    ///
    /// # Errors
    ///
    /// Fails if Application Auto Scaling refuses.
    pub fn autoscaling(&self, endpoint: &str) -> Result<Option<String>, CloudError> {
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
        let mut policies = answer.scaling_policies.unwrap_or_default().into_iter();
        let policy = policies.find(|policy| policy.policy_name == POLICY);
        let policy = policy.and_then(|it| it.target_tracking_scaling_policy_configuration);
        let policy = policy.map(|it| {
            let seconds = |seconds: Option<i32>| i64::from(seconds.unwrap_or_default());
            (it.target_value, seconds(it.scale_out_cooldown), seconds(it.scale_in_cooldown))
        });
        Ok(Some(text((target.min_capacity.into(), target.max_capacity.into()), policy)))
    }

    /// Makes the number of the endpoint's instances follow the traffic as it is wanted, or stay.
    ///
    /// # Errors
    ///
    /// Fails if Application Auto Scaling refuses.
    pub fn set_autoscaling(
        &self,
        desired: &DesiredEndpoint,
        plan: &EndpointPlan,
    ) -> Result<(), CloudError> {
        let Some(scaling) = &desired.autoscaling else {
            return if plan.is_autoscaled {
                self.remove_autoscaling(&desired.name)
            } else {
                Ok(())
            };
        };
        let client = self.aws.autoscaling();
        let resource = resource_id(&desired.name);
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
        let waits = matches!(&desired.hosting, Hosting::Instances(it) if it.queue.is_some());
        let tracking = if waits {
            tracking.customized_metric_specification(backlog(&desired.name))
        } else {
            let metric = api::PredefinedMetricSpecification::builder()
                .predefined_metric_type(api::MetricType::SageMakerVariantInvocationsPerInstance);
            tracking.set_predefined_metric_specification(metric.build().ok())
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
    pub(super) fn remove_autoscaling(&self, endpoint: &str) -> Result<(), CloudError> {
        let call = self
            .aws
            .autoscaling()
            .deregister_scalable_target()
            .service_namespace(NAMESPACE)
            .resource_id(resource_id(endpoint))
            .scalable_dimension(DIMENSION);
        self.aws.call("application-autoscaling:DeregisterScalableTarget", call.send())?;
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
