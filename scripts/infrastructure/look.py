"""Compares the resources of the stack with the template."""

import ast
import json

ACCOUNT = "123456789012"
ISSUER = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
BLOCKED = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]


def bucket(stack, checks):
    s3, name = stack.s3, {"Bucket": stack.bucket}
    encryption = s3.get_bucket_encryption(**name)["ServerSideEncryptionConfiguration"]
    algorithm = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    checks.equal("the bucket is encrypted", algorithm, "AES256")
    versioning = s3.get_bucket_versioning(**name).get("Status")
    checks.equal("the bucket is versioned", versioning, "Enabled")
    block = s3.get_public_access_block(**name)["PublicAccessBlockConfiguration"]
    checks.equal("the bucket is not public", block, dict.fromkeys(BLOCKED, True))
    policy = json.loads(s3.get_bucket_policy(**name)["Policy"])["Statement"][0]
    refused = (policy["Effect"], policy["Resource"])
    expected = ("Deny", [stack.arn, f"{stack.arn}/*"])
    checks.equal("the bucket refuses plain HTTP", refused, expected)
    found = s3.get_bucket_lifecycle_configuration(**name)["Rules"]
    rules = [sorted(rule["ID"] for rule in rules) for rules in (found, stack.rules)]
    checks.equal("the bucket's lifecycle rules", *rules)
    checks.equal("the bucket's name is an output", stack.outputs["Bucket"], stack.bucket)


def repositories(stack, checks):
    checks.equal("five repositories", len(stack.repositories), 5)
    described = stack.ecr.describe_repositories(repositoryNames=stack.repositories)
    for each in described["repositories"]:
        name = each["repositoryName"]
        checks.equal(f"{name}: tags are immutable", each["imageTagMutability"], "IMMUTABLE")
        scanned = each["imageScanningConfiguration"]["scanOnPush"]
        checks.equal(f"{name}: scanned on push", scanned, True)
        text = stack.ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"]
        status = [rule["selection"]["tagStatus"] for rule in json.loads(text)["rules"]]
        checks.equal(f"{name}: the lifecycle policy", status, ["untagged"])
        output = each["repositoryUri"] in stack.outputs.values()
        checks.equal(f"{name}: its address is an output", output, True)


def role(stack, name):
    """A role of the stack, its trust statement, and its inline policy."""
    name = stack.ids[name]
    found = stack.iam.get_role(RoleName=name)["Role"]
    [inline] = stack.iam.list_role_policies(RoleName=name)["PolicyNames"]
    document = stack.iam.get_role_policy(RoleName=name, PolicyName=inline)["PolicyDocument"]
    # moto keeps a stack's policy as Python writes it.
    if isinstance(document, str):
        document = ast.literal_eval(document)
    return found, found["AssumeRolePolicyDocument"]["Statement"][0], document


def roles(stack, checks):
    made, trust, document = role(stack, "ExecutionRole")
    wanted = stack.properties("ExecutionRole")
    checks.equal("the execution role's name", made["RoleName"], wanted["RoleName"])
    sagemaker = {"Service": "sagemaker.amazonaws.com"}
    checks.equal("the execution role's principal", trust["Principal"], sagemaker)
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    checks.equal("the execution role's condition", trust["Condition"], condition)
    policy = wanted["Policies"][0]["PolicyDocument"]
    checks.equal("the execution role's policy", document, policy)
    checks.equal("its ARN is an output", stack.outputs["ExecutionRoleArn"], made["Arn"])

    made, trust, document = role(stack, "GitHubRole")
    checks.equal("GitHub's provider", trust["Principal"], {"Federated": PROVIDER})
    repository = "repo:plant@12/downtime@345"
    condition = {
        "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{ISSUER}:sub": [f"{repository}:environment:pipeline"]},
    }
    checks.equal("who deploys the pipeline", trust["Condition"], condition)
    policy = stack.properties("GitHubRole")["Policies"][0]["PolicyDocument"]
    checks.equal("the GitHub role's policy", document, policy)
    checks.equal("the GitHub role is an output", stack.outputs["GitHubRoleArn"], made["Arn"])
    made, trust, document = role(stack, "GitHubPushRole")
    subjects = trust["Condition"]["StringLike"][f"{ISSUER}:sub"]
    references = [f"{repository}:ref:refs/{each}" for each in ("heads/main", "tags/v*")]
    checks.equal("who pushes images", subjects, references)
    policy = stack.properties("GitHubPushRole")["Policies"][0]["PolicyDocument"]
    checks.equal("the push role's policy", document, policy)
    checks.equal("the push role is an output", stack.outputs["GitHubPushRoleArn"], made["Arn"])
    made, trust, document = role(stack, "GitHubReleaseRole")
    subjects = trust["Condition"]["StringLike"][f"{ISSUER}:sub"]
    environment = [f"{repository}:environment:production"]
    checks.equal("who releases", subjects, environment)
    policy = stack.properties("GitHubReleaseRole")["Policies"][0]["PolicyDocument"]
    checks.equal("the release role's policy", document, policy)
    checks.equal("it is an output", stack.outputs["GitHubReleaseRoleArn"], made["Arn"])
    found = stack.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)
    provider = (found["Url"], "sts.amazonaws.com" in found["ClientIDList"])
    checks.equal("the provider", provider, (ISSUER, True))


def log_groups(stack, checks):
    found = stack.log_groups()
    for name in stack.groups:
        checks.equal(f"{name}: a log group", name in found, True)
        if stack.makes_groups:
            days = found[name].get("retentionInDays")
            checks.equal(f"{name}: days of retention", days, 90)


def events(stack, checks):
    topic = stack.outputs["TopicArn"]
    listed = stack.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    subscribed = [(one["Protocol"], one["Endpoint"]) for one in listed]
    checks.equal("the topic's subscribers", subscribed, [("email", "someone@example.com")])
    for name in stack.of_type("Events::Rule"):
        found = stack.events.describe_rule(Name=stack.ids[name])
        wanted = stack.properties(name)
        pattern = json.loads(found.get("EventPattern") or "null")
        checks.equal(f"{name}: the pattern", pattern, wanted.get("EventPattern"))
        times = found.get("ScheduleExpression") or None
        checks.equal(f"{name}: the times", times, wanted.get("ScheduleExpression"))
        [target] = wanted["Targets"]
        arn = topic if target["Arn"] == {"Ref": "Topic"} else target["Arn"]
        targets = stack.events.list_targets_by_rule(Rule=stack.ids[name])["Targets"]
        checks.equal(f"{name}: the target", [target["Arn"] for target in targets], [arn])
