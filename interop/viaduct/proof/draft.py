"""A message while it is being written: start line, header rows in order, body."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Draft:
    start: str
    rows: tuple[tuple[str, str], ...]
    body: bytes = b""

    def __bytes__(self) -> bytes:
        head = [self.start, *(f"{name}: {value}" for name, value in self.rows)]
        return "\r\n".join(head).encode() + b"\r\n\r\n" + self.body

    @property
    def method(self) -> str:
        if self.start.startswith("SIP/"):
            return self.first("CSeq").split()[1]
        return self.start.split()[0]

    @property
    def uri(self) -> str:
        return self.start.split()[1]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.rows if key == name]

    def first(self, name: str) -> str:
        return self.all(name)[0]

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.rows)

    def put(self, name: str, values: list[str]) -> "Draft":
        """The rows of a header replaced where the first of them stood, or after the Via rows."""
        keep = [row for row in self.rows if row[0] != name]
        places = [at for at, row in enumerate(self.rows) if row[0] == name]
        vias = sum(1 for row in keep if row[0] == "Via")
        at = min(places[0], len(keep)) if places else (0 if name == "Via" else vias)
        keep[at:at] = [(name, value) for value in values]
        return replace(self, rows=tuple(keep))

    def push(self, name: str, value: str) -> "Draft":
        return self.put(name, [value, *self.all(name)])

    def pop(self, name: str) -> "Draft":
        return self.put(name, self.all(name)[1:])

    def to(self, uri: str) -> "Draft":
        """The same request for another Request-URI."""
        return replace(self, start=f"{self.method} {uri} SIP/2.0")
