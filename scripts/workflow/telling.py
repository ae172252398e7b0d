"""What the jobs `comment` and `issue` of pipeline.yml send to GitHub."""

from .account import COMMIT

REPOSITORY = "repos/plant/downtime"
RUN = "https://github.example/plant/downtime/actions/runs/77"


def on_the_pull_request(runner, checks, summary):
    pulls = f"{REPOSITORY}/commits/{COMMIT}/pulls"
    comments = f"{REPOSITORY}/issues/12/comments"
    answers = {pulls: [{"number": 12}], comments: {"html_url": "https://github.example/c"}}
    said = runner.tell("comment", summary, answers)
    checks.equal("the pull request is looked up", said[0], (pulls, None))
    body = f"{summary}\n\nCommit {COMMIT}, [this run]({RUN})\n"
    checks.equal("the pull request has the summary", said[1], (comments, {"body": body}))
    said = runner.tell("comment", summary, {pulls: []})
    checks.equal("a commit without a pull request", said, [(pulls, None)])


def in_an_issue(runner, checks, summary):
    issues, comments = f"{REPOSITORY}/issues", f"{REPOSITORY}/issues/9/comments"
    open_ones = f"{issues}?labels=pipeline-failure&state=open&per_page=100"
    answer = {"html_url": "https://github.example/i"}
    answers = {open_ones: [{"number": 8, "pull_request": {}}], issues: answer}
    said = runner.tell("issue", summary, answers)
    checks.equal("open issues are looked up", said[0], (open_ones, None))
    path, sent = said[1]
    expected = (issues, f"The pipeline failed at {COMMIT[:12]}", ["pipeline-failure"])
    checks.equal("an issue is opened", (path, sent["title"], sent["labels"]), expected)
    checks.contains("the issue has the reason", sent["body"], summary, "/actions/runs/77")
    said = runner.tell("issue", "", {open_ones: [{"number": 9}], comments: answer})
    paths = [path for path, _ in said]
    checks.equal("the open issue is commented on", paths, [open_ones, comments])
    checks.contains(
        "the comment without a summary",
        said[1][1]["body"],
        "## Pipeline: failed before an execution was started\n",
        "/actions/runs/77",
    )
