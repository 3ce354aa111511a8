"""The interpreter and the packages that labnb requires, by their own metadata; nothing of them is imported."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from labnb.model.health import Package, PythonFacts


def python_facts(distribution: str = "labnb") -> PythonFacts:
    """Compare what the distribution requires with what is installed; extras do not count."""
    try:
        info = metadata.metadata(distribution)
        wanted = str(info.json.get("requires_python", ""))
        lines = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        wanted, lines = "", []
    version = platform.python_version()
    found = [_package(line) for line in lines]
    return PythonFacts(
        version=version,
        wanted=wanted,
        fits=_fits(version, wanted),
        executable=sys.executable,
        packages=tuple(item for item in found if item is not None),
    )


def _package(line: str) -> Package | None:
    try:
        wanted = Requirement(line)
    except InvalidRequirement:
        return None
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return None
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return Package(wanted.name, str(wanted.specifier), None, False)
    fits = wanted.specifier.contains(version, prereleases=True)
    return Package(wanted.name, str(wanted.specifier), version, fits)


def _fits(version: str, wanted: str) -> bool:
    try:
        return SpecifierSet(wanted).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True
