"""
Says the result of a run in one line, and with the exit status.

Usage: summary.py LOG STATUS [STAGE...]

LOG is trial's output and STATUS its exit status; each STAGE is the name of another stage that
failed, counted as one failure. Trial ends with C{PASSED (skips=1, successes=120)} or
C{FAILED (failures=2, ...)}: a run without such a line died, and one that ran no test proves
nothing; both fail.
"""

import re
import sys
from pathlib import Path


def summarise(log: str, status: int, stages: int = 0) -> tuple[str, int]:
    """The closing line, and the exit status."""
    ends = re.findall(r"^(PASSED|FAILED)(?: \((.*)\))?$", log, re.MULTILINE)
    counts = {key: int(n) for key, n in re.findall(r"(\w+)=(\d+)", ends[-1][1])} if ends else {}
    passed = counts.get("successes", 0) + counts.get("expectedFailures", 0)
    failed = sum(counts.get(key, 0) for key in ("failures", "errors", "unexpectedSuccesses"))
    if not failed and (status or not passed):
        failed = 1
    failed += stages
    skipped = f", {counts['skips']} skipped" if "skips" in counts else ""
    return f"{passed} passed, {failed} failed{skipped}", status or int(failed > 0)


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text(errors="replace")
    line, code = summarise(text, int(sys.argv[2]), len(sys.argv[3:]))
    for stage in sys.argv[3:]:
        print(f"failed: {stage}")
    print(line)
    sys.exit(code)
