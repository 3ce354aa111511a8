"""This machine as a host: commands as child processes, files moved by renaming."""

from labnb.adapters.local_host.host import LocalHost, local_host

__all__ = ["LocalHost", "local_host"]
