// Draws the page's own WebSocket traffic as a ladder: one line per message, opened by a click to its full text.

export function clock(at) {
  const time = new Date(at);
  return `${time.toLocaleTimeString("en-GB")}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

// The line that names a SIP message: a response with its CSeq method, since "200 OK" alone says little.
export function title(text) {
  if (/^(\r\n)+$/.test(text)) return text.length > 2 ? "keep-alive ping" : "keep-alive pong";
  const first = text.split("\r\n", 1)[0];
  const response = /^SIP\/2\.0 (\d{3} .*)$/.exec(first);
  if (!response) return first.replace(/ SIP\/2\.0$/, "");
  const method = /^CSeq:\s*\d+\s+(\S+)/im.exec(text);
  return method ? `${response[1]} (${method[1]})` : response[1];
}

function refused(text) {
  return /^SIP\/2\.0 [3-6]\d\d /.test(text);
}

export function draw(list, entry) {
  const item = document.createElement("li");
  item.className = entry.kind;
  if (refused(entry.text)) item.classList.add("refused");
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const time = document.createElement("time");
  time.textContent = clock(entry.at);
  const arrow = document.createElement("span");
  arrow.className = "arrow";
  const talk = entry.kind === "in" || entry.kind === "out";
  arrow.textContent = talk ? title(entry.text) : `${entry.url} ${entry.text}`;
  summary.append(time, arrow);
  details.append(summary);
  if (talk) {
    const text = document.createElement("pre");
    text.textContent = entry.text;
    details.append(text);
  }
  item.append(details);
  list.append(item);
  item.scrollIntoView({ block: "nearest" });
}
