// Watches the page's own WebSockets without touching what they carry: every `new WebSocket` of the page gives a
// subclass that tells a listener what was sent and received. Load it before the SIP library.

const listeners = new Set();
let sockets = 0;

// listener({ socket, kind: "open"|"out"|"in"|"close", url, text, at, code? })
export function watch(listener) {
  listeners.add(listener);
}

function tell(entry) {
  for (const listener of listeners) listener({ at: Date.now(), ...entry });
}

function textOf(data) {
  if (typeof data === "string") return data;
  if (data instanceof ArrayBuffer) return new TextDecoder().decode(data);
  if (ArrayBuffer.isView(data)) return new TextDecoder().decode(data);
  return `[${data?.size ?? "?"} bytes]`;
}

class WatchedWebSocket extends WebSocket {
  #number = ++sockets;

  constructor(url, protocols) {
    super(url, protocols);
    const about = { socket: this.#number, url: this.url };
    this.addEventListener("open", () =>
      tell({ ...about, kind: "open", text: `open, subprotocol ${this.protocol || "none"}` }),
    );
    this.addEventListener("message", (e) => tell({ ...about, kind: "in", text: textOf(e.data) }));
    this.addEventListener("close", (e) =>
      tell({ ...about, kind: "close", code: e.code, text: `closed, code ${e.code} ${e.reason}` }),
    );
  }

  send(data) {
    tell({ socket: this.#number, url: this.url, kind: "out", text: textOf(data) });
    super.send(data);
  }
}

window.WebSocket = WatchedWebSocket;
