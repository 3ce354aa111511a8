"""jupyter_packaging.build_api plus what it lacks: `pip install -e .` (PEP 660).

setuptools asks the distribution for `has_data` before it copies data files into an editable wheel, a
method that exists only under the name `has_data_files`; without the alias, `etc/jupyter` and
`share/jupyter` stay empty after `pip install -e .`.
"""

from __future__ import annotations

from typing import Any

from jupyter_packaging.build_api import (
    _ensure_targets,
    _get_build_func,
    build_sdist,
    build_wheel,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_wheel,
)
from setuptools import build_meta
from setuptools.build_meta import (
    get_requires_for_build_editable,
    prepare_metadata_for_build_editable,
)
from setuptools.dist import Distribution


def build_editable(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build the labextension if it is not there, then an editable wheel with its data files."""
    builder = _get_build_func()
    if builder:
        builder()
    _ensure_targets()
    if not hasattr(Distribution, "has_data"):
        Distribution.has_data = Distribution.has_data_files
    return build_meta.build_editable(wheel_directory, config_settings, metadata_directory)
