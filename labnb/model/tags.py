"""Tags that people give through labnb's own fields."""

from __future__ import annotations

NOTE, ARCHIVED = "labnb.note", "labnb.archived"
