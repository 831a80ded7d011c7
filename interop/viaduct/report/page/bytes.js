"use strict";

// Bytes from the wire, made safe and exact to show: what is not printable text stays visible as \xNN.
const Bytes = (() => {
  const strict = new TextDecoder("utf-8", { fatal: true });
  const encoder = new TextEncoder();
  const hex = (code, width) => code.toString(16).padStart(width, "0");

  function escapeChar(char) {
    const code = char.codePointAt(0);
    return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 4)}}`;
  }

  // Control and format characters could hide or reorder what is shown.
  const visible = (text) => text.replace(/[\p{C}]/gu, escapeChar);

  function text(bytes) {
    try {
      return visible(strict.decode(bytes));
    } catch {
      const char = (byte) =>
        byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${hex(byte, 2)}`;
      return Array.from(bytes, char).join("");
    }
  }

  function fromBase64(packed) {
    return Uint8Array.from(atob(packed), (char) => char.charCodeAt(0));
  }

  // The lines of a message as [from, to, end]: `to` is before the line end, `end` after it.
  function lines(bytes) {
    const found = [];
    let from = 0;
    while (from < bytes.length) {
      const feed = bytes.indexOf(10, from);
      const end = feed < 0 ? bytes.length : feed + 1;
      let to = feed < 0 ? end : feed;
      if (to > from && bytes[to - 1] === 13) to -= 1;
      found.push([from, to, end]);
      from = end;
    }
    return found;
  }

  return { encode: (value) => encoder.encode(value), fromBase64, lines, text, visible };
})();

// An element with a class and children; strings become text, never markup.
function make(tag, name, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...children);
  return element;
}
