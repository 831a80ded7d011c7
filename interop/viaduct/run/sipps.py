"""SIPps within a case: started, ended and judged by what went over their wires."""

from types import TracebackType

from viaduct.agents.sipp import Sipp, SippError
from viaduct.agents.talk import talk_at
from viaduct.peers.duty import Skip
from viaduct.run.lab import Lab


class SippStage:
    """async with SippStage(lab) as sipps: ...; at its end all are closed and their traces kept."""

    def __init__(self, lab: Lab) -> None:
        if lab.target.accounts:
            raise Skip("the SIPp scenarios register without credentials")
        self._lab = lab
        self._all: dict[str, Sipp] = {}
        self._complaints: dict[str, str] = {}

    async def waits(self, name: str, leg: str, answer: str) -> Sipp:
        """A registered SIPp that plays the scenario `answer` when it is called."""
        return await self._start("register", name, leg, answer=answer)

    async def calls(self, name: str, leg: str, scenario: str, callee: str) -> Sipp:
        """A SIPp that plays `scenario` towards this user; it does not wait for its end."""
        return await self._start(scenario, name, leg, callee=callee)

    async def _start(self, scenario: str, name: str, leg: str, **rest: str) -> Sipp:
        at = f"sipp-{name}"
        sipp = Sipp(at, self._lab.user(name), leg, self._lab.target, self._lab.scratch() / at)
        self._all[at] = sipp
        complaint = await sipp.play(scenario, **rest)
        if complaint is not None:
            self._complaints[at] = complaint
            self._lab.require(False, f"{at} on {leg} came to nothing: {complaint}")
        return sipp

    def uri(self, sipp: Sipp) -> str:
        return f"sip:{sipp.user}@{self._lab.target.domain}"

    async def end(self, *sipps: Sipp) -> None:
        """Waits until these have played to their end; what they say of themselves is kept."""
        for sipp in sipps:
            complaint = await sipp.end()
            if complaint is not None:
                self._complaints[sipp.at] = complaint

    def expect(self, sipp: Sipp, talk: tuple[str, ...]) -> None:
        """Judges, after the end, what went on at this one's leg."""
        heard = talk_at(self._lab.trace().events, sipp.at)
        said = self._complaints.get(sipp.at)
        evidence = f"; SIPp says: {said}" if said else ""
        self._lab.check(
            heard == talk,
            f"{sipp.at} should have seen {', '.join(talk)}, and saw {', '.join(heard)}{evidence}",
        )
        if heard == talk and said:
            raise SippError(f"{sipp.at} saw all it should and yet complains: {said}")

    async def __aenter__(self) -> "SippStage":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for sipp in self._all.values():
            await sipp.close()
            path = sipp.trace()
            if path is not None:
                self._lab.adopt(path)
