//! The check of the network that jobs run in.

use std::collections::BTreeMap;

use serde_json::Value;

use super::check::{Doctor, Remedy};
use crate::{Cloud, Network};

impl Doctor<'_> {
    /// Checks that the subnets and security groups are there and of one VPC. Cloud Control describes
    /// them, because the SDK of EC2 takes as long to compile as all others together.
    pub(super) fn network(&mut self, network: &Network) {
        const ACTION: &str = "cloudformation:GetResource";
        let subnets = network.subnets.iter().map(|id| ("AWS::EC2::Subnet", id));
        let groups = network.security_group_ids.iter().map(|id| ("AWS::EC2::SecurityGroup", id));
        let mut vpcs: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let (cloudcontrol, mut complete) = (self.cloud.aws.cloudcontrol(), true);
        for (kind, id) in subnets.chain(groups) {
            let call = cloudcontrol.get_resource().type_name(kind).identifier(id);
            let answer = match self.cloud.aws.call(ACTION, call.send()) {
                Ok(answer) => answer,
                Err(error) => {
                    complete = false;
                    if error.is_absent() {
                        self.error("vpc", &format!("{id} is not there"), Remedy::UseNetwork);
                    } else {
                        self.unchecked("vpc", &error);
                    }
                    continue;
                }
            };
            let properties = answer.resource_description().and_then(|it| it.properties());
            let properties =
                properties.and_then(|text| common::json::from_slice(text.as_bytes()).ok());
            let properties: Value = properties.unwrap_or_default();
            match properties["VpcId"].as_str() {
                Some(vpc) => vpcs.entry(vpc.to_owned()).or_default().push(id),
                None => {
                    complete = false;
                    self.unchecked("vpc", &Cloud::missing(ACTION, "VpcId"));
                }
            }
        }
        let told = vpcs.iter().map(|(vpc, ids)| format!("{vpc}: {}", ids.join(", ")));
        let told = told.collect::<Vec<_>>().join("; ");
        if vpcs.len() > 1 {
            let found = format!("{told}; expected all of one VPC");
            self.error("vpc", &found, Remedy::UseNetwork);
        } else if complete {
            self.ok("vpc", &told);
        }
    }
}
