"""The engine as a service on this machine's loopback: what hosts talk to through `faceplate_client`."""
