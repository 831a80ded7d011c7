// What the browser itself says of a page's WebSockets (DevTools protocol, Network.webSocket*), as events of the driver.
// The page cannot see or forge these; `ts` is the browser's monotonic clock in seconds (CLOCK_MONOTONIC on Linux).

// Calls say({ event: "socket", page, what, socket, ts, ... }) for everything on the session's WebSockets.
export async function watchSockets(session, page, say) {
  const tell = (what, e, rest) =>
    say({ event: "socket", page, what, socket: e.requestId, ts: e.timestamp ?? null, ...rest });

  session.on("Network.webSocketCreated", (e) => tell("created", e, { url: e.url }));
  session.on("Network.webSocketWillSendHandshakeRequest", (e) =>
    tell("request", e, { wall: e.wallTime, headers: e.request.headers }),
  );
  session.on("Network.webSocketHandshakeResponseReceived", (e) =>
    tell("response", e, {
      status: e.response.status,
      reason: e.response.statusText,
      headers: e.response.headers,
      text: e.response.headersText ?? null,
      requestHeaders: e.response.requestHeaders ?? null,
      requestText: e.response.requestHeadersText ?? null,
    }),
  );
  session.on("Network.webSocketFrameSent", (e) => tell("sent", e, payload(e.response)));
  session.on("Network.webSocketFrameReceived", (e) => tell("received", e, payload(e.response)));
  session.on("Network.webSocketFrameError", (e) => tell("error", e, { reason: e.errorMessage }));
  session.on("Network.webSocketClosed", (e) => tell("closed", e, {}));
  await session.send("Network.enable");
}

// DevTools give one whole message per event; text as it is, anything else as base64.
function payload({ opcode, mask, payloadData }) {
  return opcode === 1 ? { opcode, mask, text: payloadData } : { opcode, mask, b64: payloadData };
}
