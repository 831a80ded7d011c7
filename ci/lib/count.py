"""Adds up the results that ci/test left in a folder: a line per part, then one in all."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count(report: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped test cases of one JUnit file."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main(folder: Path) -> int:
    parts: dict[str, list[int]] = {}
    for report in sorted(folder.rglob("*.xml")):
        name = report.parent.name if report.name == "junit.xml" else report.stem.split("-")[0]
        row = parts.setdefault(name, [0, 0, 0])
        for i, n in enumerate(count(report)):
            row[i] += n
    for name in ("cmocka", "harness", "faults", "suite"):
        passed, failed, skipped = parts.setdefault(name, [0, 0, 0])
        print(f"{name:8} {passed:5} passed {failed:3} failed {skipped:3} skipped")
        if passed + failed == 0:
            print(f"{name}: nothing ran", file=sys.stderr)
            return 1
    total = [sum(row[i] for row in parts.values()) for i in range(3)]
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
