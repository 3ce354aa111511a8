"""Jobs as detached processes of a host."""

from labnb.adapters.process_executor.executor import ProcessExecutor

__all__ = ["ProcessExecutor"]
