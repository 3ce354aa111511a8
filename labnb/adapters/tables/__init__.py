"""The content reader: looks into tables, images, arrays, sounds and texts, in a process of its own."""

from labnb.adapters.tables.reader import FileReader

__all__ = ["FileReader"]
