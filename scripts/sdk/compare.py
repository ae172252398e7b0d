"""Runs a definition under the SDK and compares the result with that of the local run."""

import io
import json
import tarfile
import time

from .execution import Execution
from .local_mode import JobFailed

# The fields of a registered version that say who started its execution, when, at which commit, and
# at which address the same table was.
ORIGIN = ("commit_id", "generated_by", "registered_at", "registered_by")
ORIGIN += ("started_at", "started_by", "input_data_url")
# That of model.tar.gz, which the SDK packs with the current time, and that of the report, which
# has it.
DIGEST = "model_digest"
DIGESTS = (DIGEST, "report_digest")


def same(checks, what, sdk, ours):
    """Compares two files and shows the first place where they differ."""
    pairs = enumerate(zip(sdk, ours, strict=False))
    at = next((at for at, (one, other) in pairs if one != other), min(len(sdk), len(ours)))
    around = slice(max(at - 40, 0), at + 40)
    checks.that(
        what,
        sdk == ours,
        f"  byte {at} of {len(sdk)} and {len(ours)}\n"
        f"  SDK          {sdk[around]!r}\n  orchestrator {ours[around]!r}",
    )


def run_steps(steps, execution, sdk, checks):
    """Runs steps in their order and tells whether all succeeded."""
    for step in steps:
        name, kind, arguments = step["Name"], step["Type"], step["Arguments"]
        if kind == "Condition":
            met = execution.met(arguments["Conditions"])
            checks.that(f"{name}: {'met' if met else 'not met'}", met)
            branch = arguments["IfSteps" if met else "ElseSteps"]
            if not run_steps(branch, execution, sdk, checks):
                return False
        elif kind == "Fail":
            print(f"        {execution.value(arguments['ErrorMessage'])}")
            return False
        else:
            # The same job names as in the local run, because a model's key contains its job's name.
            job = f"pipelines-{execution.variables['PipelineExecutionId']}-{name}"
            started = time.monotonic()
            try:
                execution.done(step, sdk.job(job, kind, execution.value(arguments)))
            except JobFailed as error:
                return checks.that(f"{name}: {error}", False, error.printed)
            checks.that(f"{name}: the job succeeds, {time.monotonic() - started:.1f} s", True)
    return True


def members(archive):
    """Gives the files of a tar.gz by name."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = (one for one in tar.getmembers() if one.isfile())
        return {one.name: tar.extractfile(one).read() for one in files}


def compare(sdk, bucket, tables, runs, checks):
    """Compares the objects in S3 after both runs, without the raw tables."""
    theirs = sdk.objects(bucket)
    root = runs / "s3" / bucket
    ours = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }
    for objects in (theirs, ours):
        for key in [key for key in objects if key.startswith(tables)]:
            del objects[key]
    keys = "\n".join(f"  only one has {key}" for key in sorted(theirs.keys() ^ ours.keys()))
    checks.that(f"the same {len(ours)} objects", ours and not keys, keys)
    for key in sorted(theirs.keys() & ours.keys()):
        name = key.rpartition("/")[2]
        if name.endswith(".tar.gz"):
            # The SDK packs them with the current time.
            packed, own = members(theirs[key]), members(ours[key])
            if name == "output.tar.gz":
                # The SDK packs all of /opt/ml/output, SageMaker only the directory `data` in it.
                inside = {member.partition("/")[::2]: data for member, data in packed.items()}
                packed = {member: data for (top, member), data in inside.items() if top == "data"}
            names = f"{name} has {', '.join(sorted(own))}"
            checks.that(names, packed.keys() == own.keys(), f"  SDK          {sorted(packed)}")
            for member in sorted(packed.keys() & own.keys()):
                same(checks, f"{name}: {member}", packed[member], own[member])
        elif name == "registration.json":
            documents = [json.loads(objects[key]) for objects in (theirs, ours)]
            # Region and account differ, too.
            for document in documents:
                document["arn"] = document["arn"].rpartition(":")[2]
                for key in (*ORIGIN, *DIGESTS):
                    document.pop(key, None)
                    document["metadata"].pop(key, None)
            same(
                checks,
                f"{name}, its account and origin aside",
                *(json.dumps(document, indent=1).encode() for document in documents),
            )
        elif name == "evaluation.json":
            documents = [json.loads(objects[key]) for objects in (theirs, ours)]
            digests = [document["model"].pop(DIGEST) for document in documents]
            checks.that("the digests of the models", all(len(one) == 64 for one in digests))
            texts = (json.dumps(document, indent=1).encode() for document in documents)
            same(checks, f"{name}, the digest aside", *texts)
        else:
            same(checks, name, theirs[key], ours[key])


def check_registry(sdk, execution, checks):
    """Checks the model package that the register image created in moto, and gives its container."""
    group = execution.parameters["ModelPackageGroupName"]
    found = sdk.sagemaker.list_model_packages(ModelPackageGroupName=group)
    packages = [
        sdk.sagemaker.describe_model_package(ModelPackageName=one["ModelPackageArn"])
        for one in found["ModelPackageSummaryList"]
    ]
    containers = [one["InferenceSpecification"]["Containers"][0] for one in packages]
    said = [
        (one["ModelApprovalStatus"], container["ModelDataUrl"])
        for one, container in zip(packages, containers, strict=True)
    ]
    model = execution.get("Steps.Train.ModelArtifacts.S3ModelArtifacts")
    expected = [(execution.parameters["ModelApprovalStatus"], model)]
    what = f"{group} has one version, {expected[0][0]}"
    return containers[0] if checks.that(what, said == expected, f"  {said}") else None


def check_failure(definition, execution, sdk, checks):
    """Checks that the SDK reports a job that fails, on a table without the columns."""
    step = next(one for one in definition["Steps"] if one["Name"] == "Preprocess")
    url = "s3://hostile/table.csv"
    sdk.put(url, b"Date,Downtime\n31-12-2021,yes\n")
    bad = Execution(
        definition, execution.parameters | {"InputDataUrl": url}, "hostile", "hostile", sdk.read
    )
    said = "the job succeeded"
    try:
        sdk.job("hostile", step["Type"], bad.value(step["Arguments"]))
    except JobFailed as error:
        said = f"{error.printed}{error}"
    # 3 is the code for bad input data.
    what = "a table without its columns fails the job with exit code 3"
    checks.that(what, said.endswith("code: 3"), said)
