"""The code store on plain git: the work tree as a commit on a hidden ref, nothing of the researcher's touched."""

from labnb.adapters.git.store import GitCodeStore

__all__ = ["GitCodeStore"]
