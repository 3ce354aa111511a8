"""A machine over SSH, by asyncssh: the user's own configuration, agent, jump hosts and known hosts."""

from labnb.adapters.ssh_host.host import SshHost

__all__ = ["SshHost"]
