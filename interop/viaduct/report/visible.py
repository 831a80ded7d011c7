"""Makes bytes and text from the wire safe to show: no character moves a cursor or breaks a file."""


def visible(text: str) -> str:
    """Every character that is not printable, the line feed aside, as \\xNN or \\uNNNN."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else _escape(char) for char in text)


def one_line(text: str, limit: int = 200) -> str:
    """On one line, and cut off with an ellipsis past the limit."""
    flat = visible(" ".join(text.split()))
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def decode(data: bytes) -> str:
    """Bytes as text in which every byte that is not UTF-8 stays recognisable."""
    return visible(data.decode("utf-8", "backslashreplace"))


def _escape(char: str) -> str:
    code = ord(char)
    if char == "\t":
        return "\\t"
    if char == "\r":
        return "\\r"
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"
