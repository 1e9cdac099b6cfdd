"""Nothing is depended on without a reason that somebody wrote down."""

from __future__ import annotations

import json
import tomllib

import pytest
from packaging.requirements import Requirement

from .markdown import ROOT, text

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LISTS = (
    PROJECT["project"]["dependencies"],
    *PROJECT["project"]["optional-dependencies"].values(),
    *PROJECT["dependency-groups"].values(),
)
REQUIRED = {Requirement(line).name for names in LISTS for line in names if isinstance(line, str)} - {"costspan"}
DASHBOARD = ROOT / "ui" / "package.json"


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_a_python_dependency_is_explained(name: str):
    assert f"`{name}`" in text(ROOT / "docs" / "dependencies.md")


def test_every_dependency_of_the_dashboard_is_explained():
    package = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    explained = text(ROOT / "docs" / "dependencies.md")

    assert [name for name in package["dependencies"] | package["devDependencies"] if f"`{name}`" not in explained] == []
