"""The version of Faceplate. This is the only place that states it: the engine and the packaging read it from here."""

__version__ = "0.2.0"
