"""The oldest dependencies that pyproject.toml allows, one a line, for `pip install -r`."""

import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
optional = project["optional-dependencies"]
for requirement in project["dependencies"] + optional["test"] + optional["sklearn"]:
    print(requirement.replace(">=", "=="))
