"""The OpenEXR container, byte for byte, and plates written again with only the changed chunks encoded anew."""
