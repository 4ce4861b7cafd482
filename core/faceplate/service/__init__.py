"""The engine as a service on this machine's loopback; hosts use it through `faceplate_client`."""
