"""Registration on each leg:

RFC 3261 section 10, RFC 5626 sections 4.2 and 6, RFC 7118 section 8.1.
"""

from viaduct.peers.agent import expires_of
from viaduct.run.case import EACH, case
from viaduct.run.lab import Lab


@case(
    "register",
    "REGISTER on {0} is answered with its binding and the time it lasts",
    requirements=("RFC3261-10.3-f", "RFC7118-8.1-g"),
    legs=EACH,
    needs=("registrar",),
)
async def test_register(lab: Lab, legs: tuple[str]) -> None:
    alice = await lab.agent("alice", legs[0], register=False)
    response = await alice.register(600)
    bindings = alice.bindings(response)
    lab.require(
        len(bindings) == 1, f"the 200 lists {len(bindings)} bindings of what was registered"
    )
    lab.require(expires_of(bindings[0]) is not None, "the binding in the 200 has no expires")
