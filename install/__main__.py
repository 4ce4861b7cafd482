"""`python3 install <command>`: the door. It must open on any Python, even 2.7, to say which one is needed.

So there is nothing newer than that in this file, and everything else is imported only after the check.
"""

import os
import subprocess
import sys

LOWEST = (3, 11)
HIGHEST = (3, 13)
RANGE = "3.11 to 3.13"


def is_supported(version):
    """Whether Faceplate runs on this `sys.version_info`."""
    return LOWEST <= tuple(version[:2]) <= HIGHEST


def refusal(version, arguments):
    """The sentence for a Python that is too old or too new."""
    words = " ".join(["python3.12", "install"] + list(arguments))  # noqa: RUF005 (Python 2 has no [*a, *b])
    return "Faceplate needs Python " + RANGE + ", this is " + dotted(version) + "; run it with e.g. " + words


def dotted(version):
    """(3, 8, 18) → '3.8.18'."""
    return ".".join(str(part) for part in version[:3])


def candidates():
    """Command lines that may start a suitable Python, the newest first."""
    minors = range(HIGHEST[1], LOWEST[1] - 1, -1)
    if os.name == "nt":
        return [["py", "-3." + str(minor)] for minor in minors]
    return [["python3." + str(minor)] for minor in minors] + [["python3"], ["python"]]


def find_python():
    """The first candidate that starts and is suitable, or None. A name alone proves nothing: pyenv leaves dead ones."""
    question = "import sys; print(sys.version_info[0], sys.version_info[1])"
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (Python 2 has no pathlib)
        for command in candidates():
            try:
                answer = subprocess.check_output(command + ["-c", question], stderr=nowhere)  # noqa: RUF005
                version = tuple(int(part) for part in answer.decode("ascii").split())
            except (OSError, ValueError, subprocess.CalledProcessError):
                continue
            if is_supported(version):
                return command
    return None


def start():
    """Goes on with this Python, or with a better one from PATH, or says what is needed. Returns the exit code."""
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    arguments = sys.argv[1:]
    if not is_supported(sys.version_info):
        better = find_python()
        if better is None:
            sys.stderr.write(refusal(sys.version_info, arguments) + "\n")
            return 2
        sys.stderr.write(
            "Python " + dotted(sys.version_info) + " is not " + RANGE + ": going on with " + " ".join(better) + "\n"
        )
        sys.stderr.flush()
        return subprocess.call(better + [folder] + arguments)  # noqa: RUF005
    # Python put install/ itself first; the modules are imported as install.<name>, from the folder above.
    root = os.path.dirname(folder)  # noqa: PTH120
    sys.path = [root] + [path for path in sys.path if os.path.abspath(path) != folder]  # noqa: PTH100
    from install.app import main

    return main(arguments)


if __name__ == "__main__":
    sys.exit(start())
