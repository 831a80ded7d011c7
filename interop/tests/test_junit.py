"""junit.xml: well formed, counted right, and safe against any byte."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import sample

from viaduct.report import junit
from viaduct.results import CaseResult, RunResult, TargetInfo, Verdict
from viaduct.rules.finding import Finding


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> ElementTree.Element:
    folder = tmp_path_factory.mktemp("junit")
    junit.write(sample.run(folder), folder / "junit.xml")
    return ElementTree.parse(folder / "junit.xml").getroot()


def case(root: ElementTree.Element, name: str) -> ElementTree.Element:
    (found,) = [item for item in root.iter("testcase") if item.get("name") == name]
    return found


def test_counts_are_those_of_the_elements(root: ElementTree.Element) -> None:
    (suite,) = root.findall("testsuite")
    for holder in (root, suite):
        assert holder.get("tests") == str(len(list(root.iter("testcase")))) == "82"
        assert holder.get("failures") == str(len(list(root.iter("failure")))) == "7"
        assert holder.get("errors") == str(len(list(root.iter("error")))) == "1"
        assert holder.get("skipped") == str(len(list(root.iter("skipped")))) == "3"


@pytest.mark.parametrize(
    ("name", "tag", "message"),
    [
        ("call-ws-wss", "failure", "via-transport-wss"),
        ("keepalive-ws", "failure", "no pong was seen"),
        ("register-tcp", "error", "OSError: port in use"),
        ("register-udp", "skipped", "skip: IPv6"),
        ("register-tls", "skipped", "unsupported: no TLS listener"),
        ("path-two-hops", "skipped", "known: Kept for old phones"),
        ("flow-dead-430", "failure", "Fixed upstream"),
    ],
)
def test_what_each_verdict_becomes(
    root: ElementTree.Element, name: str, tag: str, message: str
) -> None:
    children = [child for child in case(root, name) if child.tag != "system-out"]
    assert [child.tag for child in children] == [tag]
    assert message in (children[0].get("message") or "")


def test_pass_and_warning_have_no_failure(root: ElementTree.Element) -> None:
    for name in ("call-ws-ws", "message-tls-ws"):
        assert [child.tag for child in case(root, name)] == ["system-out"]
    output = case(root, "message-tls-ws").findtext("system-out") or ""
    assert "record-route-double" in output and "traces/message-tls-ws.jsonl" in output


def test_cases_are_grouped_by_operation(root: ElementTree.Element) -> None:
    assert case(root, "call-ws-wss").get("classname") == "proxy.kamailio.call"
    assert case(root, "flow-dead-430").get("classname") == "proxy.kamailio.flow-dead-430"


def test_every_character_survives_as_xml(tmp_path: Path) -> None:
    nasty = "".join(map(chr, range(0x250))) + "\ud800\ufffe\U0001f600]]>"
    finding = Finding("r", "MUST", "fail", "RFC3261-7-a", nasty, party=nasty, header=nasty)
    run = RunResult(
        "proxy",
        TargetInfo(nasty),
        sample.STARTED,
        1.0,
        (CaseResult(nasty, nasty, Verdict.FAIL, findings=(finding,), observations=(finding,)),),
    )
    junit.write(run, tmp_path / "junit.xml")
    (element,) = ElementTree.parse(tmp_path / "junit.xml").getroot().iter("failure")
    assert "\\x00\\x01" in (element.text or "") and "]]>" in (element.text or "")
