"""The proof of the rules: silence on good traces, one test per mutant, no rule without both."""

import pytest
import yaml

from viaduct.catalogue import load
from viaduct.proof.mutant import Mutant, MutantError, apply
from viaduct.proof.run import FOLDER, good, kept, mutants, reds
from viaduct.proof.repertoire import SCRIPTS
from viaduct.rules import RULES, judge
from viaduct.trace.jsonl import read

MUTANTS = mutants()


@pytest.mark.parametrize("name", [*SCRIPTS, *kept()])
def test_good_trace_is_silent(name: str) -> None:
    said = [f"{f.event} {f.rule} {f.party}: {f.text}" for f in judge(good(name))]
    assert not said


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.id for mutant in MUTANTS])
def test_mutant_turns_its_rule_red_and_no_other(mutant: Mutant) -> None:
    assert reds(mutant) == {mutant.rule, *mutant.also}


def test_every_rule_has_a_mutant() -> None:
    assert set(RULES) == {mutant.rule for mutant in MUTANTS}


def test_every_requirement_cited_is_in_the_catalogue() -> None:
    known = load()
    cited = {(rule.id, requirement) for rule in RULES.values() for requirement in rule.requirements}
    assert not {pair for pair in cited if pair[1] not in known}


def test_findings_cite_only_what_their_rule_lists() -> None:
    for mutant in MUTANTS:
        for finding in judge(apply(mutant, good(mutant.trace))):
            assert finding.requirement in RULES[finding.rule].requirements


def test_findings_point_into_their_event() -> None:
    for mutant in MUTANTS:
        trace = apply(mutant, good(mutant.trace))
        events = {event.n: event for event in trace.events}
        for finding in judge(trace):
            if finding.bytes is not None:
                assert finding.event is not None
                start, end = finding.bytes
                assert 0 <= start < end <= len(events[finding.event].data)


def test_mutant_that_fits_nothing_is_an_error() -> None:
    lost = Mutant("via-protocol", "register-ws", ({"at": "nobody out INVITE", "gone": True},))
    with pytest.raises(MutantError, match="nobody out INVITE"):
        apply(lost, good("register-ws"))
    absent = Mutant(
        "via-protocol", "register-ws", ({"at": "alice out REGISTER", "sub": ["nowhere", ""]},)
    )
    with pytest.raises(MutantError, match="nowhere"):
        apply(absent, good("register-ws"))


CONFIRMED = yaml.safe_load((FOLDER / "confirmed" / "findings.yaml").read_text(encoding="utf-8"))


def test_every_confirmed_trace_is_told_about() -> None:
    assert {path.stem for path in (FOLDER / "confirmed").glob("*.jsonl")} == set(CONFIRMED)


@pytest.mark.parametrize("name", CONFIRMED)
def test_confirmed_findings_stay(name: str) -> None:
    found = judge(read(FOLDER / "confirmed" / f"{name}.jsonl"))
    told = sorted((item["event"], item["rule"]) for item in CONFIRMED[name])
    assert sorted((finding.event, finding.rule) for finding in found) == told
    assert all(item["why"] for item in CONFIRMED[name])


def test_every_passive_requirement_of_sip_and_websocket_has_a_rule_or_a_reason() -> None:
    cited = {requirement for rule in RULES.values() for requirement in rule.requirements}
    files = (FOLDER.parent / "requirements" / name for name in ("sip.yaml", "websocket.yaml"))
    entries = [entry for path in files for entry in yaml.safe_load(path.read_text("utf-8"))]
    assert entries
    bare = {
        entry["id"]
        for entry in entries
        if entry["check"] == "passive" and entry["id"] not in cited and not entry.get("excluded")
    }
    assert not bare
