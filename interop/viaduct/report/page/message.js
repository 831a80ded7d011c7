// One event beside the ladder: its facts, its raw bytes with what is wrong marked, its WebSocket frames.
const Message = (() => {
  const FACTS = {
    tls: "TLS",
    alpn: "ALPN",
    sni: "SNI",
    why: "why",
    code: "close code",
    opcode: "opcode",
    masked: "masked",
    fin: "FIN",
    rsv: "RSV",
  };

  // The bytes as lines of spans; ranges are [from, to) and may touch or overlap.
  function raw(bytes, ranges) {
    const out = document.createDocumentFragment();
    const lines = Bytes.lines(bytes);
    let inBody = false;
    lines.forEach(([from, to, end], index) => {
      const hit = ranges.some(
        ([start, stop]) => start < Math.max(end, from + 1) && (stop > from || start === from),
      );
      out.append(
        line(bytes, from, to, ranges, index === 0 ? "first" : inBody ? "payload" : "", hit),
      );
      if (end === to + 1 && !inBody) out.append(make("span", "odd", "\\n"));
      out.append("\n");
      if (from === to && index > 0) inBody = true;
    });
    return out;
  }

  function line(bytes, from, to, ranges, name, hit) {
    const element = make("span", [name, hit && "bad"].filter(Boolean).join(" "));
    const cuts = new Set([from, to]);
    for (const range of ranges) for (const cut of range) if (cut > from && cut < to) cuts.add(cut);
    const colon = name === "" ? bytes.subarray(from, to).indexOf(58) : -1;
    if (colon > 0) cuts.add(from + colon);
    const sorted = [...cuts].sort((a, b) => a - b);
    for (let i = 0; i + 1 < sorted.length; i += 1) {
      const text = Bytes.text(bytes.subarray(sorted[i], sorted[i + 1]));
      const marked = ranges.some(
        ([start, stop]) => start <= sorted[i] && stop >= sorted[i + 1] && stop > start,
      );
      const header = colon > 0 && sorted[i + 1] <= from + colon;
      const piece = header ? make("span", "header", text) : text;
      element.append(marked ? make("mark", "", piece) : piece);
    }
    return element;
  }

  // Only the lines that matter: the first one, those in the ranges, and what stands between as an ellipsis.
  function excerpt(bytes, ranges) {
    const out = document.createDocumentFragment();
    let skipped = false;
    Bytes.lines(bytes).forEach(([from, to, end], index) => {
      const hit = ranges.some(([start, stop]) => start < end && (stop > from || start === from));
      if (!hit && index > 0) {
        skipped = true;
        return;
      }
      if (skipped) out.append(make("span", "payload", "⋮\n"));
      skipped = false;
      out.append(line(bytes, from, to, ranges, index === 0 ? "first" : "", hit), "\n");
    });
    if (skipped) out.append(make("span", "payload", "⋮\n"));
    return out;
  }

  function ways(event, name) {
    if (!event.dir) return event.at;
    const peer = event.inside ? (event.remote ?? "peer") : event.at;
    return (event.dir === "out") === event.inside ? `${name} → ${peer}` : `${peer} → ${name}`;
  }

  function show(pane, event, trace, options) {
    const marks = options.marks.get(event.n) ?? [];
    const head = make(
      "header",
      "",
      make("b", "", Bytes.visible(event.label)),
      make("span", "faint", `event ${event.n}`),
      make("span", "faint", Bytes.visible(ways(event, options.name))),
      make(
        "span",
        `leg leg-${event.transport}`,
        event.flow ? Bytes.visible(event.flow) : event.transport.toUpperCase(),
      ),
      make("span", "faint", `${event.bytes.length} bytes`),
    );
    pane.replaceChildren(head);
    for (const mark of marks)
      pane.append(
        make("p", `accused v-${mark.verdict}`, make("code", "", mark.rule), ` ${mark.text}`),
      );
    if (event.bytes.length) {
      pane.append(
        make(
          "pre",
          marks.length ? `v-${marks[0].verdict}` : "",
          raw(
            event.bytes,
            marks.flatMap((mark) => (mark.range ? [mark.range] : [])),
          ),
        ),
      );
      head.append(copier(event));
    }
    pane.append(facts(event));
    const frames = framesOf(event, trace);
    if (frames.length) {
      const fold = make(
        "details",
        "",
        make(
          "summary",
          "",
          `${frames.length === 1 ? "WebSocket frame" : `${frames.length} WebSocket frames`} that carried it`,
        ),
      );
      for (const part of frames) fold.append(facts(part));
      pane.append(fold);
    }
    pane.scrollTop = 0;
  }

  function facts(event) {
    const list = make("dl", "facts-list");
    const put = (name, value) =>
      value !== null &&
      value !== undefined &&
      value !== "" &&
      list.append(make("dt", "", name), make("dd", "", Bytes.visible(String(value))));
    put("time", new Date(event.t * 1000).toISOString().replace("T", " ").replace("Z", " UTC"));
    put("seen at", event.at);
    put("local", event.local);
    put("remote", event.remote);
    for (const [key, value] of Object.entries(event.info)) {
      put(FACTS[key] ?? key, typeof value === "object" ? JSON.stringify(value) : value);
    }
    return list;
  }

  // Frames of the same flow and direction next to the message, back or on, whose payload is part of it.
  function framesOf(event, trace) {
    if (event.kind !== "message" || !["ws", "wss"].includes(event.transport)) return [];
    const mine = (other) =>
      other.kind === "frame" &&
      other.at === event.at &&
      other.flow === event.flow &&
      other.dir === event.dir &&
      other.info.opcode < 8;
    const own = trace.events.filter((other) => mine(other) || other === event);
    const place = own.indexOf(event);
    const whole = new TextDecoder().decode(event.bytes);
    const part = (other) => whole.includes(new TextDecoder().decode(other.bytes));
    const found = [];
    const edge = event.dir === "out" ? 1 : -1;
    for (let i = place + edge; own[i] && own[i] !== event && part(own[i]); i += edge)
      found.push(own[i]);
    return edge > 0 ? found : found.reverse();
  }

  function copier(event) {
    const button = make("button", "link", "Copy");
    button.type = "button";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(new TextDecoder().decode(event.bytes));
        button.textContent = "Copied";
      } catch (error) {
        button.textContent = `Not copied: ${error.message}`;
      }
    });
    return button;
  }

  return { excerpt, show };
})();
