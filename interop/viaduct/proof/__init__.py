"""The proof of the rules: good traces on which all are silent, mutants that turn each of them
red."""

from viaduct.proof.run import Proven, good_traces, mutants, run_proof

__all__ = ["Proven", "good_traces", "mutants", "run_proof"]
