"""The `faceplate` command line."""
