"""The runs of endpoint.yml that are rehearsed: by hand, and at the event of an approval."""

from .server import Handler, asked


def run_all(runner, account, checks):
    Handler.answers = {}
    version = account.register("evaluation/x1", "PendingManualApproval")
    number = version.rpartition("/")[2]
    refusals(runner, account, checks, number)
    by_hand(runner, account, checks, number)
    at_an_approval(runner, account, checks, version)


def release(runner, version, reason="recall 0.98"):
    """Runs the job that approves and deploys. Gives its exit code and its summary."""
    Handler.calls.clear()
    given = {"inputs.version": version, "inputs.reason": reason}
    codes, _, summary = runner.run_job("approve-and-deploy", given)
    runner.checks.equal("no shell has read an input", (runner.work / "pwned").exists(), False)
    return codes["scripts/ci/deploy-endpoint"], summary


def approved(runner, package):
    """Runs the job at the event of an approval. Gives its exit code and its summary."""
    Handler.calls.clear()
    given = {"github.event.client_payload.model_package": package}
    codes, _, summary = runner.run_job("deploy", given)
    runner.checks.equal("no shell has read the event", (runner.work / "pwned").exists(), False)
    return codes["scripts/ci/deploy-endpoint"], summary


def refusals(runner, account, checks, number):
    print("what is not approved and not deployed")
    for version, reason, code in [
        ("$(touch pwned)", "good", 2),
        ("--json", "good", 2),
        ("latest", "good", 2),
        ("9999", "good", 2),
        (number, "  ", 2),
    ]:
        checks.equal(f"{version}: exit code", release(runner, version, reason)[0], code)
        checks.equal(f"{version}: nothing is approved", asked("UpdateModelPackage"), [])
    for package, code in [
        ("", 2),
        (f"arn:aws:sagemaker:us-east-1:123456789012:model-package/other/{number}", 2),
        (f"arn:aws:sagemaker:us-east-1:123456789012:model-package/$(touch pwned)/{number}", 2),
        # It waits for its approval, so that the event is none of the service's.
        (account.arn(number), 2),
    ]:
        found, summary = approved(runner, package)
        checks.equal(f"{package}: exit code", found, code)
        checks.contains(f"{package}: the summary", summary, "## Endpoint: failed\n")
        checks.equal(f"{package}: nothing is approved", asked("UpdateModelPackage"), [])
        checks.equal(f"{package}: nothing is deployed", asked("CreateEndpoint"), [])


def by_hand(runner, account, checks, number):
    print("a version that is approved and deployed by hand")
    reason = "it's `good` | $(touch pwned)"
    code, summary = release(runner, number, reason)
    checks.equal("exit code", code, 0)
    [decision] = asked("UpdateModelPackage")
    # It names who has decided, too.
    checks.equal("the reason is unchanged", decision["ApprovalDescription"], f"{reason} (by moto)")
    [created] = asked("CreateEndpoint")
    checks.equal("the endpoint", created["EndpointName"], account.group)
    checks.contains(
        "the summary",
        summary,
        "## Endpoint\n\n",
        ": Approved, ",
        f"Endpoint `{account.group}`: created, version {number}\n",
    )


def at_an_approval(runner, account, checks, version):
    print("an event of a version that is deployed already")
    code, summary = approved(runner, version)
    checks.equal("exit code", code, 0)
    checks.equal("nothing is approved", asked("UpdateModelPackage"), [])
    changes = asked("CreateEndpoint") + asked("UpdateEndpoint") + asked("CreateModel")
    checks.equal("nothing is changed", changes, [])
    checks.contains("the summary", summary, f"Endpoint `{account.group}`: unchanged, version ")
