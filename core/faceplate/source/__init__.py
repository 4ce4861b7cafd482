"""The source, the person who is put in: their pictures, the analysis of each, and the views for a generator."""

from faceplate.source.source import Source, SourceView, read_source

__all__ = ["Source", "SourceView", "read_source"]
