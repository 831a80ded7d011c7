"""The proof of the rules: good traces on which all are silent, mutants that turn each of them
red."""
