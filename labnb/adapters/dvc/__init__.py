"""The data store on DVC: read from DVC's own files, without importing it and without its lock."""

from labnb.adapters.dvc.store import DvcDataStore

__all__ = ["DvcDataStore"]
