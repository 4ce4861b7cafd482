"""The operating system: the user's folders, atomic writes, file hashes, locks and processes."""
