//! The model package group of the pipeline. Its versions have no tags of their own: theirs are the group's.

use aws::CallError;
use pipeline::Change;

use crate::execution::LARGEST_PAGE;
use crate::{Cloud, CloudError, Owner};

/// The place of the group among the changes of a deployment.
pub const GROUP: &str = "ModelPackageGroup";

impl Cloud {
    /// Lists what [`Cloud::write_group`] would change: the group itself if there is none, or its tags.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn group_changes(&self, name: &str) -> Result<Vec<Change>, CloudError> {
        Ok(match self.group_arn(name)? {
            Some(arn) => self.tag_changes(&arn, &format!("{GROUP}."))?,
            None => {
                vec![Change { place: GROUP.to_owned(), before: None, after: Some(name.into()) }]
            }
        })
    }

    /// Creates the group with the target's and the owner's tags, or gives the target's tags to the group that is
    /// there, and with `adopt` the owner's, too. Returns whether it was created.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn write_group(
        &self,
        name: &str,
        description: &str,
        owner: Owner,
        adopt: bool,
    ) -> Result<bool, CloudError> {
        if let Some(arn) = self.group_arn(name)? {
            if adopt {
                self.tag(&arn, owner)?;
            } else if !self.tag_changes(&arn, "")?.is_empty() {
                self.add_tags(&arn, self.target_tags())?;
            }
            return Ok(false);
        }
        let description = Some(description).filter(|text| !text.is_empty()).map(str::to_owned);
        let call = self
            .sagemaker
            .create_model_package_group()
            .model_package_group_name(name)
            .set_model_package_group_description(description)
            .set_tags(Some(self.tags(owner)));
        match self.aws.call("sagemaker:CreateModelPackageGroup", call.send()) {
            // An execution has registered a version since.
            Err(error) if error.already_exists() => self.write_group(name, "", owner, adopt),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(true),
        }
    }

    /// Returns the names of the account's groups in the target's region.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn groups(&self) -> Result<Vec<String>, CloudError> {
        let call = self.sagemaker.list_model_package_groups().max_results(LARGEST_PAGE);
        let mut pages = call.into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(group) = self.aws.wait(pages.next()) {
            let group =
                group.map_err(|error| CallError::of("sagemaker:ListModelPackageGroups", error))?;
            names.extend(group.model_package_group_name);
        }
        Ok(names)
    }

    /// Refuses a group that does not carry the owner's tag.
    ///
    /// # Errors
    ///
    /// Fails with a description of the tags, or if SageMaker refuses to list them. A group that does not exist is
    /// no failure.
    pub fn check_group_owner(&self, name: &str, owner: Owner) -> Result<(), CloudError> {
        let Some(arn) = self.group_arn(name)? else { return Ok(()) };
        self.check_arn(&arn)?;
        match self.owner_problem(&arn, owner)? {
            None => Ok(()),
            Some(owner) => Err(CloudError::ForeignGroup { name: name.to_owned(), owner }),
        }
    }

    /// Returns the ARN of a group, or `None` if there is none of the name.
    fn group_arn(&self, name: &str) -> Result<Option<String>, CloudError> {
        const ACTION: &str = "sagemaker:DescribeModelPackageGroup";
        let call = self.sagemaker.describe_model_package_group().model_package_group_name(name);
        let answer = CallError::if_there(self.aws.call(ACTION, call.send()))?;
        let arn = answer.map(|answer| answer.model_package_group_arn);
        Ok(arn
            .map(|arn| arn.ok_or_else(|| Self::missing(ACTION, "ModelPackageGroupArn")))
            .transpose()?)
    }

    /// Deletes a version of a model package group.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses. That it is gone already is no failure.
    pub fn delete_model_package(&self, arn: &str) -> Result<(), CloudError> {
        self.check_arn(arn)?;
        let call = self.sagemaker.delete_model_package().model_package_name(arn);
        CallError::if_there(self.aws.call("sagemaker:DeleteModelPackage", call.send()))?;
        Ok(())
    }

    /// Deletes a model package group that has no versions any more.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses. That it is gone already is no failure.
    pub fn delete_model_package_group(&self, name: &str) -> Result<(), CloudError> {
        const ACTION: &str = "sagemaker:DeleteModelPackageGroup";
        let call = self.sagemaker.delete_model_package_group().model_package_group_name(name);
        CallError::if_there(self.aws.call(ACTION, call.send()))?;
        Ok(())
    }
}
