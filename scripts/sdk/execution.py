"""One execution of a pipeline definition, as far as its expressions need it."""

import json
import re

COMPARE = {
    "GreaterThanOrEqualTo": lambda left, right: left >= right,
    "GreaterThan": lambda left, right: left > right,
    "LessThanOrEqualTo": lambda left, right: left <= right,
    "LessThan": lambda left, right: left < right,
    "Equals": lambda left, right: left == right,
}


class Execution:
    """Parameters, finished jobs and property files; resolves expressions against them."""

    def __init__(self, definition, parameters, name, number, read):
        defaults = {one["Name"]: one.get("DefaultValue") for one in definition["Parameters"]}
        self.parameters = defaults | parameters
        self.variables = {
            "PipelineName": name,
            "PipelineExecutionId": number,
            "PipelineExecutionArn": f"arn:aws:sagemaker:us-east-1:123456789012:pipeline/{name}"
            f"/execution/{number}",
            "StartDateTime": "2026-01-01T00:00:00Z",
        }
        # The SDK's description of each finished job, and the place of each property file.
        self.jobs, self.files = {}, {}
        self.read = read

    def value(self, expression):
        match expression:
            case {"Get": path}:
                return self.get(path)
            case {"Std:Join": {"On": between, "Values": values}}:
                return between.join(str(self.value(one)) for one in values)
            case {"Std:JsonGet": {"PropertyFile": {"Get": file}, "Path": path}}:
                value = json.loads(self.read(self.files[file]))
                for key in path.split("."):
                    value = value[key]
                return value
            case dict():
                return {key: self.value(one) for key, one in expression.items()}
            case list():
                return [self.value(one) for one in expression]
        return expression

    def get(self, path):
        room, name, *rest = re.findall(r"[^.\[\]']+", path)
        if room == "Parameters":
            return self.parameters[name]
        if room == "Execution":
            return self.variables[name]
        value = self.jobs[name]
        for key in rest:
            if isinstance(value, list):
                value = next(one for one in value if one["OutputName"] == key)
            else:
                value = value[key]
        return value

    def met(self, conditions):
        return all(
            COMPARE[one["Type"]](self.value(one["LeftValue"]), self.value(one["RightValue"]))
            for one in conditions
        )

    def done(self, step, job):
        self.jobs[step["Name"]] = job
        for file in step.get("PropertyFiles", []):
            outputs = job["ProcessingOutputConfig"]["Outputs"]
            output = next(one for one in outputs if one["OutputName"] == file["OutputName"])
            path = f"Steps.{step['Name']}.PropertyFiles.{file['PropertyFileName']}"
            self.files[path] = f"{output['S3Output']['S3Uri']}/{file['FilePath']}"
