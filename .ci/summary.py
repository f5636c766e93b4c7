"""
Says the result of a run in its last line, and with the exit status; before it, what failed.

Usage: summary.py LOG STATUS PARTS [STAGE...]

LOG is what trial said in PARTS runs and STATUS their exit status; each STAGE is the name of another
stage that failed, counted as one failure. Trial ends with C{PASSED (skips=1, successes=120)} or
C{FAILED (failures=2, ...)}: a run without such a line died, and one that ran no test proves
nothing; both fail.
"""

import re
import sys
from collections import Counter
from pathlib import Path


def summarise(log: str, status: int, stages: int = 0, parts: int = 1) -> tuple[str, int]:
    """The closing line, and the exit status."""
    ends = re.findall(r"^(PASSED|FAILED)(?: \((.*)\))?$", log, re.MULTILINE)
    counts: Counter[str] = Counter()
    for _, said in ends:
        counts.update({key: int(n) for key, n in re.findall(r"(\w+)=(\d+)", said)})
    passed = counts["successes"] + counts["expectedFailures"]
    empty = sum("successes" not in said for _, said in ends) + parts - len(ends)
    failed = sum(counts[key] for key in ("failures", "errors", "unexpectedSuccesses"))
    if not failed and (status or empty):
        failed = 1
    failed += stages
    skipped = f", {counts['skips']} skipped" if counts["skips"] else ""
    return f"{passed} passed, {failed} failed{skipped}", status or int(failed > 0)


def failures(log: str, most: int = 20) -> list[str]:
    """A line for each test that trial told of as failed: its name, and the end of what it said."""
    found: dict[str, str] = {}
    for block in re.split(r"^={79}$", log, flags=re.MULTILINE)[1:]:
        kind, _, rest = block.strip().partition("\n")
        if kind not in ("[FAIL]", "[ERROR]"):
            continue
        said, _, _ = rest.partition("\n" + "-" * 79)
        # The names of the tests that failed alike are behind the last empty line.
        why, _, names = said.rstrip().rpartition("\n\n")
        for name in names.split():
            places = re.findall(r'File "[^"]*?/(tests/[^"]+)", line (\d+)', why)
            place = ":".join(places[-1]) if places else "?"
            message = [line for line in why.split("\n") if line and not line.startswith("  ")]
            found.setdefault(name, f"{name} ({place}): {' '.join(message)[-240:]}")
    return list(found.values())[:most]


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text(errors="replace")
    line, code = summarise(text, int(sys.argv[2]), len(sys.argv[4:]), int(sys.argv[3]))
    for path in sorted(Path(sys.argv[1]).parent.glob("*.log")):
        for failure in failures(path.read_text(errors="replace")):
            print(f"failed: {path.stem}: {failure}")
    for stage in sys.argv[4:]:
        print(f"failed: {stage}")
    print(line)
    sys.exit(code)
