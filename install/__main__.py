"""`python3 install <command>`. This file must run on any Python, even 2.7, to say which one is needed.

Therefore it uses nothing newer, and imports everything else only after the check.
"""

import os
import subprocess
import sys

LOWEST = (3, 11)
HIGHEST = (3, 13)
RANGE = "3.11 to 3.13"


def is_supported(version):
    """Return whether Faceplate runs on this `sys.version_info`."""
    return LOWEST <= tuple(version[:2]) <= HIGHEST


def find_python():
    """Return the command of a suitable Python, the newest first, or None. A name alone is no proof: pyenv leaves dead ones."""
    minors = range(HIGHEST[1], LOWEST[1] - 1, -1)
    if os.name == "nt":
        commands = [["py", "-3." + str(minor)] for minor in minors]
    else:
        commands = [["python3." + str(minor)] for minor in minors] + [["python3"], ["python"]]
    question = "import sys; print(sys.version_info[0], sys.version_info[1])"
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (Python 2 has no pathlib)
        for command in commands:
            try:
                answer = subprocess.check_output(command + ["-c", question], stderr=nowhere)  # noqa: RUF005
                version = tuple(int(part) for part in answer.decode("ascii").split())
            except (OSError, ValueError, subprocess.CalledProcessError):
                continue
            if is_supported(version):
                return command
    return None


def start():
    """Go on with this Python, or with a better one from PATH, or say what is needed. Return the exit code."""
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    arguments = sys.argv[1:]
    if not is_supported(sys.version_info):
        this = ".".join(str(part) for part in sys.version_info[:3])
        better = find_python()
        if better is None:
            words = " ".join(["python3.12", "install"] + arguments)  # noqa: RUF005 (Python 2 has no [*a, *b])
            sentence = "Faceplate needs Python " + RANGE + ", this is " + this + "; run it with e.g. " + words
            sys.stderr.write(sentence + "\n")
            return 2
        sys.stderr.write("Python " + this + " is not " + RANGE + ": going on with " + " ".join(better) + "\n")
        sys.stderr.flush()
        return subprocess.call(better + [folder] + arguments)  # noqa: RUF005
    # Python put install/ itself first; the modules are imported as install.<name>, from the folder above.
    root = os.path.dirname(folder)  # noqa: PTH120
    sys.path = [root] + [path for path in sys.path if os.path.abspath(path) != folder]  # noqa: PTH100
    from install.app import main

    return main(arguments)


if __name__ == "__main__":
    sys.exit(start())
