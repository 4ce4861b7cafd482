"""What `python3 install <command>` does, in standard-library Python: the environment, the demo, the tests."""
