"""Who is put in: pictures of the person, what was found in them, and the views that a generator chooses from."""

from faceplate.source.source import Source, SourceView, read_source

__all__ = ["Source", "SourceView", "read_source"]
