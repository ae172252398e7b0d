//! Tags of resources: those of the settings, and that of the program that manages a resource.

use std::collections::BTreeMap;

use aws::CallError;
use aws::sagemaker::types::Tag;
use infrastructure::MADE_FOR;
use pipeline::Change;

use crate::{Cloud, CloudError};

/// The tag that says which program manages a resource.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The tag's key.
    pub key: &'static str,
    /// The tag's value, unless the target's tags give the key another one.
    pub value: &'static str,
}

impl Cloud {
    /// Returns what is wrong with the owner's tag of a resource, such as `has no tag managed-by=...`.
    pub(crate) fn owner_problem(
        &self,
        arn: &str,
        owner: Owner,
    ) -> Result<Option<String>, CallError> {
        let Owner { key, value } = owner;
        let wanted = self.target.tags.get(key).map_or(value, String::as_str);
        Ok(match self.tags_of(arn)?.remove(key) {
            Some(found) if found == wanted => None,
            Some(found) => Some(format!("has the tag {key}={found}, not {wanted}")),
            None => Some(format!("has no tag {key}={wanted}")),
        })
    }

    /// Lists the target's tags that a resource lacks or gives other values. Each place begins with `prefix`.
    pub(crate) fn tag_changes(&self, arn: &str, prefix: &str) -> Result<Vec<Change>, CallError> {
        let found = self.tags_of(arn)?;
        let tags = self.target.tags.iter().filter(|(key, value)| found.get(*key) != Some(value));
        let change = |(key, value): (&String, &String)| Change {
            place: format!("{prefix}Tags.{key}"),
            before: found.get(key).map(|value| value.as_str().into()),
            after: Some(value.as_str().into()),
        };
        Ok(tags.map(change).collect())
    }

    /// Returns the tags of a resource.
    pub(crate) fn tags_of(&self, arn: &str) -> Result<BTreeMap<String, String>, CallError> {
        let mut pages =
            self.sagemaker.list_tags().resource_arn(arn).into_paginator().items().send();
        let mut tags = BTreeMap::new();
        while let Some(tag) = self.aws.wait(pages.next()) {
            let tag = tag.map_err(|error| CallError::of("sagemaker:ListTags", error))?;
            tags.extend(tag.key.zip(tag.value));
        }
        Ok(tags)
    }

    /// Adds or changes the target's and the owner's tags; other tags of the resource stay.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn tag(&self, arn: &str, owner: Owner) -> Result<(), CloudError> {
        self.add_tags(arn, self.tags(owner))
    }

    pub(crate) fn add_tags(&self, arn: &str, tags: Vec<Tag>) -> Result<(), CloudError> {
        let call = self.sagemaker.add_tags().resource_arn(arn).set_tags(Some(tags));
        self.aws.call("sagemaker:AddTags", call.send())?;
        Ok(())
    }

    /// Returns the target's tags and the owner's.
    pub(crate) fn tags(&self, owner: Owner) -> Vec<Tag> {
        let mut tags = self.target_tags();
        if !self.target.tags.contains_key(owner.key) {
            tags.push(Tag::builder().key(owner.key).value(owner.value).build());
        }
        tags
    }

    /// Returns the target's tags.
    pub(crate) fn target_tags(&self) -> Vec<Tag> {
        let tag = |(key, value)| Tag::builder().key(key).value(value).build();
        self.target.tags.iter().map(tag).collect()
    }

    /// Returns these tags, and that of what is made for an endpoint.
    pub(crate) fn tags_for(&self, endpoint: &str, owner: Owner) -> Vec<Tag> {
        let mut tags = self.tags(owner);
        tags.push(Tag::builder().key(MADE_FOR).value(endpoint).build());
        tags
    }
}
