"""The environment of this process: what is installed and loaded, and on what it runs."""

from labnb.adapters.environment.probe import ProcessEnvironment

__all__ = ["ProcessEnvironment"]
