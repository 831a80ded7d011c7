"""The proxy of the stage: what a correct record-routing edge proxy and registrar does, on paper."""

import re

from viaduct.proof.draft import Draft
from viaduct.proof.stage import (
    DOMAIN,
    PORTS,
    PROXY_HOST,
    PROXY_HOST6,
    PROXY_NAME,
    TOKENS,
    Agent,
    Stage,
)

FORMING = ("INVITE", "SUBSCRIBE", "REFER")


class Proxy:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.given: set[str] = set()

    def side(self, agent: Agent) -> str:
        """The URI of the interface that this agent talks to, with a token for its flow."""
        host = PROXY_HOST6 if agent.six else PROXY_HOST
        user = f"tok{agent.number}{agent.flow.replace('-', '')}"
        uri = {
            "udp": f"<sip:{user}@{host}:5060;lr>",
            "tcp": f"<sip:{user}@{host}:5060;transport=tcp;lr>",
            "tls": f"<sip:{user}@{PROXY_NAME};lr>",
            "ws": f"<sip:{user}@{host}:80;transport=ws;lr>",
            "wss": f"<sip:{user}@{host}:443;transport=ws;lr>",
        }[agent.transport]
        self.given.add(uri)
        return uri

    def via(self, agent: Agent) -> str:
        host = PROXY_HOST6 if agent.six else PROXY_HOST
        where = f"{host}:{PORTS[agent.transport]}"
        branch = f"z9hG4bK{self.stage.fresh('p')}"
        rport = ";rport" if agent.transport == "udp" else ""
        return f"SIP/2.0/{TOKENS[agent.transport]} {where};branch={branch}{rport}"

    def forward(
        self,
        draft: Draft,
        come: Agent,
        go: Agent,
        uri: str | None = None,
        *,
        paths: tuple[str, ...] = (),
        record: bool = True,
    ) -> Draft:
        """The copy of a request that leaves to `go`."""
        copy = draft.to(uri) if uri else draft
        while copy.has("Route") and copy.first("Route") in self.given:
            copy = copy.pop("Route")
        hops = int(copy.first("Max-Forwards")) - 1
        copy = copy.put("Max-Forwards", [str(hops)])
        if not copy.has("Max-Breadth") and copy.method not in ("ACK", "CANCEL"):
            copy = copy.put("Max-Breadth", ["60"])
        for path in reversed(paths):
            copy = copy.push("Route", path)
        if record and copy.method in FORMING:
            mine = [self.side(go)]
            if self.side(come) != mine[0]:
                mine.append(self.side(come))
            copy = copy.put("Record-Route", mine + copy.all("Record-Route"))
        copy = copy.push("Via", self.via(go))
        if go.transport in ("tcp", "tls") and not copy.has("Content-Length"):
            copy = copy.put("Content-Length", [str(len(copy.body))])
        return go.receive(copy)

    def back(self, draft: Draft, to: Agent) -> Draft:
        """A response on its way to the agent that asked."""
        copy = draft.pop("Via")
        if to.transport in ("tcp", "tls") and not copy.has("Content-Length"):
            copy = copy.put("Content-Length", [str(len(copy.body))])
        return to.receive(copy)

    def answer(
        self,
        request: Draft,
        to: Agent,
        status: str,
        *,
        tag: bool = True,
        more: tuple[tuple[str, str], ...] = (),
    ) -> Draft:
        """A response that the proxy makes itself."""
        rows = [("Via", value) for value in request.all("Via")]
        dest = request.first("To")
        if tag and ";tag=" not in dest:
            dest += f";tag={self.stage.fresh('s')}"
        rows += [("From", request.first("From")), ("To", dest)]
        rows += [("Call-ID", request.first("Call-ID")), ("CSeq", request.first("CSeq"))]
        rows += [*more, ("Content-Length", "0")]
        return to.receive(Draft(f"SIP/2.0 {status}", tuple(rows)))

    def hop_by_hop(self, invite: Draft, method: str, go: Agent, to: str | None = None) -> Draft:
        """CANCEL, or the ACK for a failure, for an INVITE that had left to `go`."""
        number = invite.first("CSeq").split()[0]
        rows = [("Via", invite.first("Via")), ("Max-Forwards", "70")]
        rows += [("Route", value) for value in invite.all("Route")]
        rows += [("From", invite.first("From")), ("To", to or invite.first("To"))]
        rows += [("Call-ID", invite.first("Call-ID")), ("CSeq", f"{number} {method}")]
        rows += [("Content-Length", "0")]
        return go.receive(Draft(f"{method} {invite.uri} SIP/2.0", tuple(rows)))


def uri_of(value: str) -> str:
    """The URI within angle brackets."""
    match = re.search(r"<([^>]*)>", value)
    return match.group(1) if match else value.split(";")[0]


REGISTRAR = f"sip:{DOMAIN}"
