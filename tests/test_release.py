"""What a release says of itself: one version, one address, a README that stands alone."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SOURCE = PROJECT["project"]["urls"]["Source"]


def readme_of_a_release() -> str:
    """README as it is shown where nothing stands beside it."""
    hook = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = (ROOT / hook["fragments"][0]["path"]).read_text(encoding="utf-8")
    for change in hook["substitutions"]:
        text = re.sub(change["pattern"], change["replacement"], text)
    return text


def test_no_link_of_the_readme_needs_a_file_beside_it() -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", readme_of_a_release())
    assert len(links) > 20
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    raw = SOURCE.replace("github.com", "raw.githubusercontent.com") + "/main/"
    paths = [
        link.removeprefix(start)
        for link in links
        for start in (f"{SOURCE}/blob/main/", raw)
        if link.startswith(start)
    ]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", ["CITATION.cff", "docs/mkdocs.yml"])
def test_the_address_is_the_same_everywhere(name: str) -> None:
    assert SOURCE in (ROOT / name).read_text(encoding="utf-8")


def test_who_cites_names_the_version_that_is_there() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {PROJECT['project']['version']}\n" in citation
    assert f"\nlicense: {PROJECT['project']['license']}\n" in citation
