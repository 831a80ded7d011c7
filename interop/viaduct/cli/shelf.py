"""What the commands look things up in: rules, requirements, cases and faults."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from viaduct import catalogue
from viaduct.report.book import Book
from viaduct.rules import RULES
from viaduct.targets import TargetError
from viaduct.targets.viaduct import server_program

INTEROP = Path(__file__).resolve().parents[2]
FAULTS = INTEROP / "proof" / "faults.yaml"
EXPECT = INTEROP / "expect"
BUGS = INTEROP / "bugs"


@cache
def book() -> Book:
    return Book(RULES.values(), catalogue.load())
