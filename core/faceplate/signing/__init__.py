"""Ed25519 keys, and signatures over canonical JSON, which releases, revocations and manifests share."""

from faceplate.signing.keys import Key, Keyring, load_key, new_key, sign, signing_key

__all__ = ["Key", "Keyring", "load_key", "new_key", "sign", "signing_key"]
