"""The stack of the template: created on entering, removed on leaving."""

import contextlib
import json

import boto3
import yaml

from . import look
from .look import PROVIDER


class Stack:
    def __init__(self, name, text, endpoint):
        self.name, self.text = name, text
        self.resources = yaml.safe_load(text)["Resources"]

        def client(service):
            keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
            return boto3.client(service, region_name="us-east-1", endpoint_url=endpoint, **keys)

        self.cloudformation, self.s3, self.ecr = map(client, ["cloudformation", "s3", "ecr"])
        self.iam, self.logs, self.sns, self.events = map(client, ["iam", "logs", "sns", "events"])
        self.bucket = self.properties("Bucket")["BucketName"]
        repositories = self.of_type("ECR::Repository")
        self.repositories = [self.properties(name)["RepositoryName"] for name in repositories]
        groups = self.of_type("Logs::LogGroup")
        self.groups = [self.properties(name)["LogGroupName"] for name in groups]
        # The server may be in use: only what is missing is created and removed.
        self.makes_groups = not self.log_groups().keys() & set(self.groups)

    def properties(self, name):
        return self.resources[name]["Properties"]

    def of_type(self, kind):
        return [name for name, one in self.resources.items() if one["Type"] == f"AWS::{kind}"]

    def log_groups(self):
        pages = self.logs.get_paginator("describe_log_groups").paginate()
        return {group["logGroupName"]: group for page in pages for group in page["logGroups"]}

    def __enter__(self):
        self.undo = contextlib.ExitStack()
        try:
            self.create()
        except BaseException:
            self.undo.close()
            raise
        return self

    def __exit__(self, *_):
        self.undo.close()

    def create(self):
        self.undo.callback(self.remove_retained)
        # moto's CloudFormation creates no provider, so the stack uses one that exists.
        providers = self.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        if all(each["Arn"] != PROVIDER for each in providers):
            made = self.properties("GitHubProvider")
            self.iam.create_open_id_connect_provider(
                Url=made["Url"], ClientIDList=made["ClientIdList"]
            )
            delete = self.iam.delete_open_id_connect_provider
            self.undo.callback(delete, OpenIDConnectProviderArn=PROVIDER)
        self.undo.callback(self.cloudformation.delete_stack, StackName=self.name)
        parameters = {
            "GitHubRepository": "plant/downtime",
            "GitHubSubject": "plant@12/downtime@345",
            "CreateGitHubProvider": "false",
            "CreateLogGroups": str(self.makes_groups).lower(),
            "CreateHostingLogGroups": str(self.makes_groups).lower(),
        }
        self.cloudformation.create_stack(
            StackName=self.name,
            TemplateBody=self.text,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )
        self.cloudformation.get_waiter("stack_create_complete").wait(StackName=self.name)
        described = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}
        listed = self.cloudformation.list_stack_resources(StackName=self.name)
        self.ids = {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for one in listed["StackResourceSummaries"]
        }
        self.set_up_bucket()
        self.set_up_repositories()

    def set_up_bucket(self):
        """Sets what moto's CloudFormation ignores and moto's S3 does not."""
        wanted, bucket = self.properties("Bucket"), {"Bucket": self.bucket}
        versioning, block = "VersioningConfiguration", "PublicAccessBlockConfiguration"
        self.s3.put_bucket_versioning(**bucket, **{versioning: wanted[versioning]})
        self.s3.put_public_access_block(**bucket, **{block: wanted[block]})
        self.s3.put_bucket_ownership_controls(
            **bucket, OwnershipControls=wanted["OwnershipControls"]
        )
        self.rules = [lifecycle(rule) for rule in wanted["LifecycleConfiguration"]["Rules"]]
        self.s3.put_bucket_lifecycle_configuration(
            **bucket, LifecycleConfiguration={"Rules": self.rules}
        )
        self.arn = f"arn:aws:s3:::{self.bucket}"
        document = json.dumps(self.properties("BucketPolicy")["PolicyDocument"])
        for reference, value in [
            ({"Fn::GetAtt": ["Bucket", "Arn"]}, self.arn),
            ({"Fn::Sub": "${Bucket.Arn}/*"}, f"{self.arn}/*"),
        ]:
            document = document.replace(json.dumps(reference), json.dumps(value))
        self.s3.put_bucket_policy(**bucket, Policy=document)

    def set_up_repositories(self):
        """Sets what moto's CloudFormation ignores and moto's ECR does not."""
        for name in self.of_type("ECR::Repository"):
            wanted = self.properties(name)
            repository = {"repositoryName": wanted["RepositoryName"]}
            policy = wanted["LifecyclePolicy"]["LifecyclePolicyText"]
            self.ecr.put_lifecycle_policy(**repository, lifecyclePolicyText=policy)
            scanned = wanted["ImageScanningConfiguration"]["ScanOnPush"]
            self.ecr.put_image_scanning_configuration(
                **repository, imageScanningConfiguration={"scanOnPush": scanned}
            )

    def remove_retained(self):
        """Removes what the template retains when its stack is deleted."""
        for name in self.repositories:
            with contextlib.suppress(self.ecr.exceptions.RepositoryNotFoundException):
                self.ecr.delete_repository(repositoryName=name, force=True)
        for name in self.groups if self.makes_groups else []:
            with contextlib.suppress(self.logs.exceptions.ResourceNotFoundException):
                self.logs.delete_log_group(logGroupName=name)
        try:
            self.s3.delete_bucket(Bucket=self.bucket)
        except self.s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise

    def check(self, checks):
        for part in (look.bucket, look.repositories, look.roles, look.log_groups, look.events):
            part(self, checks)


def lifecycle(rule):
    """A lifecycle rule of the template as S3 takes it."""
    rule = dict(rule)
    if days := rule.pop("ExpirationInDays", None):
        rule["Expiration"] = {"Days": days}
    if rule.pop("ExpiredObjectDeleteMarker", None):
        rule["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    return {"Filter": {"Prefix": rule.pop("Prefix", "")}, "ID": rule.pop("Id"), **rule}
