// What a phone has been through, in order, and a way to wait for the next thing without missing it.

// What was asked for did not come about, as far as the phone can tell: the other side refused, or nothing came. Any
// other error is a mistake of the page or of who uses it.
export class PhoneFailure extends Error {
  name = "PhoneFailure";
}

export class Journal {
  #events = [];
  #waiting = new Set();
  #listeners = new Set();

  // Every entry is { seq, at, kind, ...detail }; seq counts from 1.
  add(kind, detail = {}) {
    const entry = { seq: this.#events.length + 1, at: Date.now(), kind, ...detail };
    this.#events.push(entry);
    for (const listener of this.#listeners) listener(entry);
    for (const waiter of [...this.#waiting]) waiter(entry);
    return entry;
  }

  listen(listener) {
    this.#listeners.add(listener);
  }

  get length() {
    return this.#events.length;
  }

  since(seq) {
    return this.#events.slice(seq);
  }

  // Resolves with the first entry after `after` whose kind is wanted. An entry whose kind is in `fatal` rejects, so
  // that a failed call is reported at once and with its cause, not by running into the limit.
  until(wanted, { after = 0, fatal = [], limit = 10000 } = {}) {
    const kinds = new Set([].concat(wanted));
    const bad = new Set(fatal);
    return new Promise((resolve, reject) => {
      const settle = (entry) => {
        const isWanted = kinds.has(entry.kind);
        if (!isWanted && !bad.has(entry.kind)) return false;
        this.#waiting.delete(settle);
        clearTimeout(timer);
        if (isWanted) resolve(entry);
        else
          reject(
            new PhoneFailure(
              `${entry.kind} while waiting for ${[...kinds].join(" or ")}: ${JSON.stringify(entry)}`,
            ),
          );
        return true;
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(settle);
        const seen = this.since(after).map((entry) => entry.kind);
        reject(
          new PhoneFailure(
            `no ${[...kinds].join(" or ")} within ${limit} ms; seen: ${seen.join(", ") || "nothing"}`,
          ),
        );
      }, limit);
      if (this.since(after).some(settle)) return;
      this.#waiting.add(settle);
    });
  }
}
