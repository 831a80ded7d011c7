// A trace out of the page: unpacked, its lines parsed, each event with its bytes and a short name.
const Traces = (() => {
  const WEB = { 0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" };

  async function unpack(element) {
    const packed = Bytes.fromBase64(element.textContent);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  async function load(element) {
    const lines = new TextDecoder()
      .decode(await unpack(element))
      .split("\n")
      .filter((line) => line.trim());
    const header = JSON.parse(lines[0]);
    const events = lines.slice(1).map((line) => complete(JSON.parse(line), header));
    return { header, events, start: events.length ? events[0].t : 0 };
  }

  function complete(event, header) {
    event.at ??= header.at;
    event.info ??= {};
    event.flow ??= "";
    event.transport = (event.transport || "").toLowerCase();
    event.bytes =
      event.b64 === undefined ? Bytes.encode(event.text ?? "") : Bytes.fromBase64(event.b64);
    event.inside = (header.sut_vantages ?? []).includes(event.at);
    event.keepAlive =
      event.kind === "message" &&
      event.bytes.length > 0 &&
      event.bytes.length <= 4 &&
      event.bytes.every((byte) => byte === 13 || byte === 10);
    event.label = label(event);
    return event;
  }

  function firstLine(event) {
    const [line] = Bytes.lines(event.bytes);
    return line ? Bytes.text(event.bytes.subarray(line[0], line[1])) : "";
  }

  function label(event) {
    const { info } = event;
    switch (event.kind) {
      case "message":
        return event.keepAlive
          ? event.bytes.length > 2
            ? "keep-alive ping"
            : "keep-alive pong"
          : sip(event);
      case "handshake":
        return firstLine(event).replace(/ HTTP\/1\.1$/, "");
      case "frame": {
        const parts = [WEB[info.opcode] ?? `opcode ${info.opcode}`];
        if (info.close !== undefined) parts.push(String(info.close));
        if (info.fin === false) parts.push("more follow");
        parts.push(`${info.length ?? event.bytes.length} B`);
        return `frame: ${parts.join(", ")}`;
      }
      case "connect":
      case "accept":
        return ["connected", info.tls, info.alpn && `alpn ${info.alpn}`]
          .filter(Boolean)
          .join(" · ");
      case "close":
        return ["closed", info.why, info.code]
          .filter((part) => part !== undefined && part !== null)
          .join(" · ");
      case "dns":
        return `DNS query ${info.name ?? ""} ${info.type ?? ""}`;
      case "dial":
        return `dialled ${event.local ?? ""}`;
      case "media":
        return media(info);
      case "note":
        return String(info.mark ?? info.text ?? JSON.stringify(info));
      default:
        return `${event.kind}, ${event.bytes.length} B`;
    }
  }

  function media({ received, sent, ice }) {
    if (!received && !sent) return `media${ice ? `, ICE ${ice}` : ""}`;
    const energy = received?.energy === undefined ? "" : `, energy ${received.energy.toFixed(3)}`;
    return `audio ${sent?.packets ?? 0} out, ${received?.packets ?? 0} in${energy}`;
  }

  function sip(event) {
    const line = firstLine(event);
    const request = /^([A-Z]+) (\S+) SIP\/2\.0$/.exec(line);
    if (request) return `${request[1]} ${request[2].replace(/^sips?:/, "")}`;
    const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(line);
    if (!response) return line || "(empty)";
    const method = /^CSeq\s*:\s*\d+\s+(\S+)/im.exec(head(event))?.[1];
    return `${response[1]} ${response[2]}${method ? ` (${method})` : ""}`;
  }

  function head(event) {
    return new TextDecoder().decode(event.bytes).split(/\r?\n\r?\n/, 1)[0];
  }

  return { load, unpack };
})();
