// JsSIP behind the adapter interface described in README.md.
import JsSIP from "jssip";
import { PhoneFailure } from "../journal.js";

export const library = { name: "jssip", version: JsSIP.version };

// JsSIP sends its INVITE or its 200 only when ICE gathering has ended, which takes tens of seconds where UDP is
// blocked. Every candidate event brings a function that ends the wait; these are the pauses after which it is used.
const AFTER_RELAY_MS = 1000;
const AFTER_FIRST_MS = 3000;

export function create(settings, emit) {
  if (settings.debug) JsSIP.debug.enable("JsSIP:*");
  const socket = new JsSIP.WebSocketInterface(settings.server);
  const agent = new JsSIP.UA({
    sockets: [socket],
    uri: settings.uri,
    display_name: settings.displayName || undefined,
    password: settings.password || undefined,
    register: false,
    register_expires: settings.expires ?? 600,
    instance_id: settings.instance,
    session_timers: false,
    user_agent: `Viaduct page, JsSIP ${JsSIP.version}`,
  });
  const callOptions = {
    mediaConstraints: { audio: true, video: false },
    pcConfig: { iceServers: settings.iceServers ?? [] },
  };
  let session = null;
  let phase = "idle";

  agent.on("connected", () => emit("connected", { url: settings.server }));
  agent.on("disconnected", (e) =>
    emit("disconnected", { url: settings.server, code: e.code, reason: e.reason }),
  );
  agent.on("registered", (e) =>
    emit("registered", { contacts: e.response.getHeaders("contact").length }),
  );
  agent.on("unregistered", () => emit("unregistered", {}));
  agent.on("registrationFailed", (e) =>
    emit("registration-failed", { cause: e.cause, status: e.response?.status_code }),
  );
  agent.on("newMessage", (e) => {
    if (e.originator === "remote") {
      emit("message", { from: e.request.from.uri.toString(), text: e.request.body });
    }
  });
  agent.on("newRTCSession", (e) => {
    if (session) {
      // One call at a time: a phone that is talking says so.
      e.session.terminate({ status_code: 486 });
      return;
    }
    session = e.session;
    phase = e.originator === "remote" ? "incoming" : "outgoing";
    follow(e.session);
    if (phase === "incoming") emit("incoming", { from: e.request.from.uri.toString() });
    else emit("outgoing", { to: e.request.to.uri.toString() });
  });

  function follow(call) {
    // An incoming call gets its connection only when it is answered.
    call.on("peerconnection", () => emit("media", {}));
    call.on("icecandidate", endGatheringInTime());
    call.on("progress", (e) => emit("progress", { status: e.response?.status_code }));
    call.on("accepted", (e) => emit("accepted", { status: e.response?.status_code }));
    call.on("confirmed", () => {
      phase = "confirmed";
      emit("confirmed", {});
    });
    call.on("reinvite", () => emit("updated", { by: "remote" }));
    for (const kind of ["ended", "failed"]) {
      call.on(kind, (e) => {
        session = null;
        phase = "idle";
        emit(kind, {
          by: e.originator,
          cause: e.cause,
          // For a request that ended the call (BYE, CANCEL) `message` has no status.
          status: e.message?.status_code,
        });
      });
    }
    call.on("getusermediafailed", (e) => emit("media-failed", { cause: String(e) }));
  }

  function current() {
    if (!session) throw new PhoneFailure("there is no call");
    return session;
  }

  function renegotiate(method) {
    const accepted = current()[method]({}, () => emit("updated", { by: "local" }));
    if (!accepted) throw new Error(`JsSIP refuses to ${method} in this state`);
  }

  return {
    start: () => agent.start(),
    register: () => agent.register(),
    unregister: () => agent.unregister({ all: false }),
    call: (target) => void agent.call(target, callOptions),
    answer: () => current().answer(callOptions),
    reject: (status) => current().terminate({ status_code: status }),
    hangup: () => current().terminate(),
    hold: () => renegotiate("hold"),
    resume: () => renegotiate("unhold"),
    message: (target, text) =>
      void agent.sendMessage(target, text, {
        eventHandlers: {
          succeeded: (e) => emit("message-sent", { to: target, status: e.response?.status_code }),
          failed: (e) =>
            emit("message-failed", { to: target, cause: e.cause, status: e.response?.status_code }),
        },
      }),
    connection: () => session?.connection ?? null,
    state: () => ({
      connected: agent.isConnected(),
      registered: agent.isRegistered(),
      call: phase,
    }),
    stop: () => agent.stop(),
  };
}

function endGatheringInTime() {
  let timer = null;
  return ({ candidate, ready }) => {
    const relayed = / typ relay /.test(candidate.candidate);
    if (timer !== null && !relayed) return;
    clearTimeout(timer);
    timer = setTimeout(ready, relayed ? AFTER_RELAY_MS : AFTER_FIRST_MS);
  };
}
