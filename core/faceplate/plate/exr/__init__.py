"""OpenEXR files byte for byte: headers, chunks, and rewriting a plate with some pixels changed."""
