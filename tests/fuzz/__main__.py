"""
Search for inputs that break a property: C{python -m tests.fuzz TARGET [--seconds N] [...]}.

Without a target each is searched for its share of the time, in a process of
its own. An input that was found is written to the directory of the corpus
that was given, and its path is printed; C{--input FILE} tries it again.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import DICTIONARY, MOST, TARGETS

#: Modules whose branches libFuzzer is told about.
_WATCHED = ["fiberlb.wire", "fiberlb.relay", "fiberlb.control", "fiberlb.model"]
#: Seconds after which one input has taken too long.
_TIMEOUT = 20
#: Characters of output that are shown of a target that broke.
_TOLD = 4000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="?", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="in all (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of chance; 0: another each time")
    parser.add_argument("--corpus", help="a directory that inputs are read from and kept in")
    parser.add_argument("--input", help="try the input in this file, and nothing else")
    return parser.parse_args()


def _each(given: argparse.Namespace) -> int:
    """Every target in a process of its own; libFuzzer ends the one that it runs in."""
    share = max(1, given.seconds // len(TARGETS))
    broken = []
    for target in sorted(TARGETS):
        command = [sys.executable, "-m", "tests.fuzz", target, f"--seconds={share}"]
        command.append(f"--seed={given.seed}")
        if given.corpus:
            command.append(f"--corpus={Path(given.corpus, target)}")
        done = subprocess.run(
            command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        runs = re.search(r"^Done (\d+) runs", done.stdout, re.MULTILINE)
        if done.returncode or runs is None:
            broken.append(target)
            print(done.stdout[-_TOLD:])
        else:
            print(f"{target}: {runs[1]} inputs in {share} s", flush=True)
    print(f"broken: {', '.join(broken) or 'none'}")
    return bool(broken)


def _search(given: argparse.Namespace) -> None:
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=_WATCHED, enable_loader_override=False):
        check = TARGETS[given.target]()
    corpus = Path(given.corpus or tempfile.mkdtemp(prefix="fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[given.target]()):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    dictionary = corpus.parent / f"{given.target}.dict"
    dictionary.write_text(DICTIONARY)
    options = [
        f"-max_total_time={given.seconds}",
        f"-seed={given.seed}",
        f"-max_len={MOST.get(given.target, 1024)}",
        f"-dict={dictionary}",
        f"-artifact_prefix={corpus}{os.sep}",
        f"-timeout={_TIMEOUT}",
        "-print_final_stats=1",
        str(corpus),
    ]
    atheris.Setup([f"fuzz-{given.target}", *options], check)
    atheris.Fuzz()


def main() -> int:
    """Do what the arguments say; the exit status."""
    given = _arguments()
    if given.target is None:
        return _each(given)
    if given.input:
        TARGETS[given.target]()(Path(given.input).read_bytes())
        return 0
    _search(given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
