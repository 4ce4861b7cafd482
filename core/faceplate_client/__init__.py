"""What a host needs to talk to the engine: the Python standard library only, Python 3.9 and newer."""
