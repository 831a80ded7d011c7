"""report.html: what it says, that it needs nothing from outside, and that no byte can break out."""

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
import sample

from viaduct import catalogue
from viaduct.report import embedded, page
from viaduct.report.book import Book
from viaduct.results import RunResult, TargetInfo

RULE = SimpleNamespace(
    id="via-transport-wss",
    title="Via names the transport of the flow",
    level="MUST",
    requirements=("RFC7118-5.1-b",),
    text="A request on a secure WebSocket says WSS in its top Via.",
)
VOID = {"meta", "link", "input", "br", "img", "hr", "col", "path"}


class Page(HTMLParser):
    """Collects elements, texts and scripts, and checks that the elements are nested well."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open and self._open[-1] == tag, f"</{tag}> closes {self._open[-3:]}"
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)
        elif "style" not in self._open:
            self.texts.append(data)

    def all(self, tag: str, name: str = "") -> list[dict[str, str | None]]:
        wanted = set(name.split())
        return [
            attrs
            for element, attrs in self.elements
            if element == tag and wanted <= set((attrs.get("class") or "").split())
        ]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def run(folder: Path) -> RunResult:
    return sample.run(folder)


@pytest.fixture(scope="module")
def html(run: RunResult, folder: Path) -> str:
    page.write(run, Book([RULE], catalogue.load()), folder / "report.html")
    return (folder / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def parsed(html: str) -> Page:
    return Page(html)


def test_each_case_is_there_with_its_verdict_and_trace(parsed: Page, run: RunResult) -> None:
    rows = {attrs["id"]: attrs for attrs in parsed.all("details", "case")}
    assert set(rows) == {case.id for case in run.cases}
    for case in run.cases:
        assert rows[case.id]["data-verdict"] == case.verdict
        assert rows[case.id]["data-legs"] == " ".join(case.legs)
        assert ("data-trace" in rows[case.id]) == (case.trace is not None)


def test_each_finding_and_observation_points_at_its_bytes(parsed: Page, run: RunResult) -> None:
    items = parsed.all("li", "finding")
    findings = [finding for case in run.cases for finding in (*case.findings, *case.observations)]
    assert len(items) == len(findings)
    ranged = [item for item in items if "data-from" in item]
    assert len(ranged) == sum(finding.bytes is not None for finding in findings)


def test_the_matrix_has_a_cell_for_each_pair_of_legs(parsed: Page) -> None:
    cells = {attrs["data-legs"]: attrs for attrs in parsed.all("button", "cell")}
    assert len(cells) == 25 + 5
    assert "v-fail" in (cells["ws wss"]["class"] or "")
    assert cells["ws wss"]["aria-label"] == "WS to WSS: 2 pass, 1 fail"
    assert "v-pass" in (cells["ws ws"]["class"] or "")


def test_headline_totals_and_explanations(parsed: Page) -> None:
    assert "7 of 80 cases do not pass, the harness erred in 1" in parsed.text
    assert "1,350" in parsed.text
    assert RULE.text in parsed.text
    assert catalogue.load()["RFC7118-5.1-b"].text in parsed.text
    links = {attrs.get("href") for attrs in parsed.all("a")}
    assert "https://www.rfc-editor.org/rfc/rfc7118#section-5.1" in links
    assert "viaduct run --target kamailio --suite proxy call-ws-wss" in parsed.text


def test_reasons_and_expectations_are_told(parsed: Page) -> None:
    for words in ("no TLS listener", "OSError: port in use", "Kept for old phones"):
        assert words in parsed.text
    assert "expected to fail, and does not" in parsed.text


def test_nothing_is_loaded_from_outside(parsed: Page, html: str) -> None:
    for tag, attrs in parsed.elements:
        assert "src" not in attrs, tag
        assert tag not in ("link", "iframe", "object", "embed", "img", "base")
        if tag == "a":
            assert re.match(r"#|https://www\.rfc-editor\.org/", attrs["href"] or "")
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style and "@import" not in style


def test_the_policy_lets_only_the_one_script_run(parsed: Page) -> None:
    (policy,) = [
        attrs["content"] or ""
        for attrs in parsed.all("meta")
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    running = [text for attrs, text in parsed.scripts if "type" not in attrs]
    assert len(running) == 1
    digest = base64.b64encode(hashlib.sha256(running[0].encode()).digest()).decode()
    assert "default-src 'none'" in policy and f"script-src 'sha256-{digest}'" in policy
    for _, attrs in parsed.elements:
        assert not [name for name in attrs if name.startswith("on")]


def test_the_script_is_valid(parsed: Page, tmp_path: Path) -> None:
    (text,) = [text for attrs, text in parsed.scripts if "type" not in attrs]
    (tmp_path / "script.js").write_text(text, "utf-8")
    node = shutil.which("node")
    assert node, "node is needed to check the page's script"
    done = subprocess.run(
        [node, "--check", tmp_path / "script.js"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_traces_are_embedded_as_they_are_on_disk(parsed: Page, folder: Path) -> None:
    traces = [(attrs, text) for attrs, text in parsed.scripts if attrs.get("class") == "trace"]
    assert len(traces) == 75
    for attrs, text in traces[:5]:
        data = gzip.decompress(base64.b64decode(text, validate=True))
        assert data == (folder / (attrs["data-path"] or "")).read_bytes()
        assert json.loads(data.split(b"\n")[0])["kind"] == "trace"


def test_markup_from_the_wire_stays_text(parsed: Page, html: str) -> None:
    assert "<img" not in html
    assert "onerror" in parsed.text  # it is shown, as text
    assert "\x1b" not in html and "\\x1b[2J" in parsed.text


def test_a_trace_too_large_or_lost_is_named(
    run: RunResult, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "ONE_CEILING", 100)
    text = page.render(run, Book(), folder)
    assert "too large to be kept here: see traces/call-ws-ws.jsonl" in text
    assert len(text) < 500_000
    assert "could not be read" in page.render(run, Book(), folder / "elsewhere")


def test_an_empty_run_has_a_page(tmp_path: Path) -> None:
    empty = RunResult("proxy", TargetInfo("none"), sample.STARTED, 0.0, ())
    assert "Nothing ran" in Page(page.render(empty, Book(), tmp_path)).text


def test_a_hundred_times_the_cases_stay_within_reason(run: RunResult, folder: Path) -> None:
    text = page.render(run, Book(), folder)
    assert len(text) / len(run.cases) < 8_000


def opened(folder: Path, case: str) -> str:
    """The page as a browser has it after this case was opened."""
    browser = shutil.which("chromium-headless-shell")
    if browser is None:
        pytest.skip("chromium-headless-shell is not installed")
    done = subprocess.run(
        [
            browser,
            *("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000"),
            *("--dump-dom", f"{(folder / 'report.html').as_uri()}#{case}"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dom(html: str, folder: Path) -> str:
    """A case with hostile bytes, opened."""
    return opened(folder, "call-tls-wss")


def test_a_browser_draws_the_ladder(dom: str) -> None:
    case = dom[dom.index('id="call-tls-wss"') :]
    case = case[: case.index('<details class="case')]
    assert "INVITE bob@sip.test" in case and "180 Ringing (INVITE)" in case
    assert re.search(r'class="event leg-wss marked v-fail[^"]*"', case)
    assert "connected · TLSv1.3" in case and "… 2.2 s …" in case
    assert "cannot be shown" not in case


def test_a_browser_marks_the_offending_bytes(dom: str) -> None:
    marks = re.findall(r"<mark[^>]*>(.*?)</mark>", dom)
    assert "SIP/2.0/WSS alice.invalid;branch=z9hG4bKinvite1;rport" in marks
    assert "What is due" in dom[dom.index('id="call-tls-wss"') :]


def test_a_browser_runs_nothing_from_the_wire(dom: str) -> None:
    assert "<img" not in dom
    assert "Subject" in dom and "&lt;img src=x onerror=alert(1)&gt;" in dom


def test_what_is_said_of_other_ends_is_not_red(folder: Path, html: str) -> None:
    dom = opened(folder, "options-tcp-wss")
    case = dom[dom.index('id="options-tcp-wss"') :]
    case = case[: case.index('<details class="case')]
    assert "Observed of the other ends (1)" in case and "180 Ringing" in case
    assert re.search(r'class="event leg-wss marked v-skip[^"]*"', case)
    assert re.search(r'class="event [^"]*v-fail', case) is None
