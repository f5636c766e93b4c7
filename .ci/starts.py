"""
Starts the C{fiberlb} of an environment, and checks what it says.

Usage: starts.py VENV DIRECTORY, with the checkout on the path; DIRECTORY is where it is started.
"""

import os
import sys

from tests.support.ports import free_port
from tests.support.programs import Program


def main(venv: str, directory: str) -> None:
    """
    Start, see that it listens on the reactor that it is made for, and end it.

    @raise NotStarted: it does not, with its output.
    """
    where = ["--from", f"127.0.0.1:{free_port()}", "--to", "127.0.0.1:9"]
    # What is proved is the installation, not the checkout that this file is run with.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    program = Program([f"{venv}/bin/fiberlb", "run", *where], cwd=directory, env=env)
    try:
        program.wait_for_line("reactor class: .*LeanReactor")
        program.wait_for_line("Listening on", within=60)
    finally:
        program.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
