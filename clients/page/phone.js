// A phone: one adapter, its journal, its sound. It knows no SIP library and no HTML; the page's controls and the
// browser driver both use it.
import { adapters } from "./adapters/index.js";
import { Journal, PhoneFailure } from "./journal.js";
import { figures, heard } from "./media.js";

const REGISTER_FAILED = ["registration-failed"];
const CALL_FAILED = ["failed", "ended", "media-failed"];

// RFC 5626 section 4.1: the instance id stays the same over restarts, and so over a reload of the page.
function instanceFor(uri) {
  const key = `viaduct instance ${uri}`;
  let instance = localStorage.getItem(key);
  if (!instance) {
    instance = crypto.randomUUID();
    localStorage.setItem(key, instance);
  }
  return instance;
}

export class Phone {
  journal = new Journal();
  #adapter = null;
  #connection = null;
  #answersAtOnce = false;
  #sound;

  // `sound` is the audio element which plays the other side.
  constructor(sound) {
    this.#sound = sound;
  }

  // settings: see adapters/README.md; also `library`, `answersAtOnce`, and `register: false` to be connected only.
  async start(settings) {
    if (this.#adapter) throw new Error("this phone has been started already");
    const library = settings.library ?? "jssip";
    const adapter = adapters[library];
    if (!adapter)
      throw new Error(
        `no adapter for the library "${library}"; there are: ${Object.keys(adapters).join(", ")}`,
      );
    const after = this.journal.length;
    this.#answersAtOnce = settings.answersAtOnce ?? false;
    this.#adapter = adapter.create(
      { instance: instanceFor(settings.uri), ...settings },
      (kind, detail) => this.#heardOf(kind, detail),
    );
    this.#adapter.start();
    const opened = await this.journal.until("connected", { after, fatal: ["disconnected"] });
    return settings.register === false ? opened : this.register();
  }

  #heardOf(kind, detail) {
    this.journal.add(kind, detail);
    if (["ended", "failed"].includes(kind)) {
      this.#connection = null;
      return;
    }
    const connection = this.#adapter?.connection();
    if (connection && connection !== this.#connection) {
      this.#connection = connection;
      connection.addEventListener("track", (e) => {
        this.#sound.srcObject = e.streams[0];
      });
    }
    if (kind === "incoming" && this.#answersAtOnce) this.#adapter.answer();
  }

  get started() {
    return this.#adapter !== null;
  }

  #need() {
    if (!this.#adapter) throw new Error("this phone has not been started");
    return this.#adapter;
  }

  async register() {
    const after = this.journal.length;
    this.#need().register();
    return this.journal.until("registered", { after, fatal: REGISTER_FAILED });
  }

  async unregister() {
    const after = this.journal.length;
    this.#need().unregister();
    return this.journal.until("unregistered", { after });
  }

  // Resolves when the call has come so far: "outgoing", "progress" (it rings) or "confirmed" (the ACK is sent).
  async call(target, reach = "confirmed") {
    const after = this.journal.length;
    this.#need().call(target);
    return this.journal.until(reach, { after, fatal: CALL_FAILED });
  }

  async answer() {
    const after = this.journal.length;
    this.#need().answer();
    return this.journal.until("confirmed", { after, fatal: CALL_FAILED });
  }

  async reject(status = 486) {
    const after = this.journal.length;
    this.#need().reject(status);
    return this.journal.until("failed", { after });
  }

  async hangup() {
    const after = this.journal.length;
    this.#need().hangup();
    return this.journal.until(["ended", "failed"], { after });
  }

  async hold() {
    const after = this.journal.length;
    this.#need().hold();
    return this.journal.until("updated", { after, fatal: CALL_FAILED });
  }

  async resume() {
    const after = this.journal.length;
    this.#need().resume();
    return this.journal.until("updated", { after, fatal: CALL_FAILED });
  }

  async message(target, text) {
    const after = this.journal.length;
    this.#need().message(target, text);
    return this.journal.until("message-sent", { after, fatal: ["message-failed"] });
  }

  async stats() {
    const connection = this.#need().connection();
    return connection ? figures(connection) : null;
  }

  // Resolves with the media figures once sound from the other side has been heard after this call.
  async hear(limit = 10000) {
    const connection = this.#need().connection();
    if (!connection) throw new PhoneFailure("there is no call to hear anything from");
    return heard(connection, await figures(connection), { limit });
  }

  until(kinds, options) {
    return this.journal.until(kinds, options);
  }

  state() {
    return { ...this.#need().state(), seq: this.journal.length };
  }

  async stop() {
    if (!this.#adapter) return;
    this.#adapter.stop();
    this.#adapter = null;
  }
}
