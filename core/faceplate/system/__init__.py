"""The operating system: the user's folders, atomic writes, locks and processes."""
