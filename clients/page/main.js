// The page: a small phone for a person, and `window.viaduct`, the same phone for the browser driver.
// ?uri=...&server=...&library=... fill the form; &register=1 registers at once.
import { watch } from "./wire.js";
import { adapters } from "./adapters/index.js";
import { clock, draw } from "./ladder.js";
import { Phone } from "./phone.js";

const byId = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const library = query.get("library") ?? "jssip";

let phone = new Phone(byId("sound"));
window.viaduct = phone;

const about = adapters[library]?.library;
byId("library").textContent = about
  ? `${about.name} ${about.version}`
  : `unknown library ${library}`;

const account = byId("account");
const dial = byId("dial");
const write = byId("write");
account.elements.uri.value = query.get("uri") ?? "";
account.elements.server.value =
  query.get("server") ?? `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`;
dial.elements.target.value = query.get("target") ?? "";

watch((entry) => draw(byId("ladder"), entry));

function describe({ kind, cause, status, from, to, text, by, contacts }) {
  const parts = [kind];
  if (from ?? to) parts.push(from ?? to);
  if (text) parts.push(`“${text}”`);
  if (status) parts.push(status);
  if (cause) parts.push(cause);
  if (by) parts.push(`by ${by}`);
  if (contacts) parts.push(`${contacts} binding${contacts === 1 ? "" : "s"}`);
  return parts.join(" · ");
}

function note(at, text) {
  const item = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = clock(at);
  item.append(time, text);
  byId("journal").prepend(item);
}

function follow() {
  phone.journal.listen((entry) => {
    note(entry.at, describe(entry));
    refresh();
  });
}

function refresh() {
  let state = { connected: false, registered: false, call: "idle" };
  if (phone.started) state = phone.state();
  const pill = byId("state");
  pill.textContent =
    state.call !== "idle"
      ? `call ${state.call}`
      : state.registered
        ? "registered"
        : state.connected
          ? "connected"
          : "offline";
  pill.className = `pill ${state.call !== "idle" ? "busy" : state.registered ? "on" : ""}`;
  byId("register").disabled = state.registered;
  byId("unregister").disabled = !state.registered;
  byId("call").disabled = !state.connected || state.call !== "idle";
  byId("send").disabled = !state.connected;
  byId("answer").disabled = state.call !== "incoming";
  byId("hangup").disabled = state.call === "idle";
  byId("hold").disabled = state.call !== "confirmed";
  if (state.call !== "confirmed") byId("hold").textContent = "Hold";
}

// A failure has its place in the journal; a click must not end in an unhandled rejection as well.
function attempt(action) {
  action().catch((error) => {
    note(Date.now(), error.message);
    refresh();
  });
}

async function register() {
  const { uri, server, password } = account.elements;
  if (phone.started && phone.state().connected) {
    await phone.register();
    return;
  }
  await phone.stop();
  phone = new Phone(byId("sound"));
  window.viaduct = phone;
  follow();
  await phone.start({ library, uri: uri.value, server: server.value, password: password.value });
}

account.addEventListener("submit", (e) => {
  e.preventDefault();
  attempt(register);
});
dial.addEventListener("submit", (e) => {
  e.preventDefault();
  attempt(() => phone.call(dial.elements.target.value));
});
write.addEventListener("submit", (e) => {
  e.preventDefault();
  attempt(async () => {
    await phone.message(dial.elements.target.value, write.elements.text.value);
    write.reset();
  });
});
byId("unregister").addEventListener("click", () => attempt(() => phone.unregister()));
byId("answer").addEventListener("click", () => attempt(() => phone.answer()));
byId("hangup").addEventListener("click", () => attempt(() => phone.hangup()));
byId("hold").addEventListener("click", () =>
  attempt(async () => {
    const held = byId("hold").textContent === "Resume";
    await (held ? phone.resume() : phone.hold());
    byId("hold").textContent = held ? "Hold" : "Resume";
  }),
);

setInterval(async () => {
  const media = phone.started ? await phone.stats() : null;
  byId("media").hidden = !media;
  if (!media) return;
  byId("ice").textContent = media.ice;
  byId("received").textContent = `${media.received.packets} packets`;
  byId("sent").textContent = `${media.sent.packets} packets`;
  byId("energy").textContent = media.received.energy.toFixed(4);
}, 1000);

follow();
refresh();
if (query.get("register") && account.checkValidity()) attempt(register);
