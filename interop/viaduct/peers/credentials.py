"""Digest answers (RFC 8760 with RFC 7616) for targets that do not let just anybody register."""

import hashlib
import uuid

from viaduct.peers.duty import Violation
from viaduct.peers.message import Message, parameters

# In order of preference; RFC 8760 2.4 keeps MD5 for old servers.
ALGORITHMS = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}


def authorize(
    response: Message,
    method: str,
    uri: str,
    user: str,
    password: str,
    *,
    cnonce: str | None = None,  # None: a random one
) -> tuple[str, str]:
    """The header that answers the best of the challenges in a 401 or 407."""
    name = "www-authenticate" if response.status == 401 else "proxy-authenticate"
    offers = {}
    for value in response.all(name):
        scheme, _, rest = value.partition(" ")
        if scheme.lower() == "digest":
            facts = {k: v or "" for k, v in parameters(rest.replace(",", ";")).items()}
            offers[facts.get("algorithm", "MD5").upper()] = facts
    for algorithm, function in ALGORITHMS.items():
        if algorithm in offers:
            answer = _answer(
                offers[algorithm],
                algorithm,
                function,
                method,
                uri,
                user,
                password,
                cnonce or uuid.uuid4().hex,
            )
            header = "Authorization" if response.status == 401 else "Proxy-Authorization"
            return header, answer
    raise Violation(
        f"the {response.status} has no Digest challenge that can be answered: {response.all(name)}",
        "RFC8760-2.4-a",
    )


def _answer(
    facts: dict[str, str],
    algorithm: str,
    function: str,
    method: str,
    uri: str,
    user: str,
    password: str,
    ours: str,
) -> str:
    def digest(text: str) -> str:
        return hashlib.new(function, text.encode()).hexdigest()

    realm, nonce = facts.get("realm", ""), facts.get("nonce", "")
    secret, target = digest(f"{user}:{realm}:{password}"), digest(f"{method}:{uri}")
    parts = [f'username="{user}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{uri}"']
    parts.append(f"algorithm={algorithm}")
    if "auth" in [word.strip() for word in facts.get("qop", "").replace(";", ",").split(",")]:
        count = "00000001"
        proof = digest(f"{secret}:{nonce}:{count}:{ours}:auth:{target}")
        parts += ["qop=auth", f"nc={count}", f'cnonce="{ours}"']
    else:
        proof = digest(f"{secret}:{nonce}:{target}")
    parts.append(f'response="{proof}"')
    if "opaque" in facts:
        parts.append(f'opaque="{facts["opaque"]}"')
    return "Digest " + ", ".join(parts)
