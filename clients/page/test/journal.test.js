import assert from "node:assert/strict";
import { test } from "node:test";
import { Journal, PhoneFailure } from "../journal.js";

test("an entry that is there already ends the wait", async () => {
  const journal = new Journal();
  journal.add("incoming", { from: "sip:a@b" });
  const entry = await journal.until("incoming");
  assert.equal(entry.seq, 1);
  assert.equal(entry.from, "sip:a@b");
});

test("entries up to `after` do not count", async () => {
  const journal = new Journal();
  journal.add("ended", { cause: "first" });
  const second = journal.until("ended", { after: journal.length });
  journal.add("ended", { cause: "second" });
  assert.equal((await second).cause, "second");
});

test("a fatal entry ends the wait with its cause", async () => {
  const journal = new Journal();
  const wait = journal.until(["confirmed"], { fatal: ["failed"] });
  journal.add("progress");
  journal.add("failed", { cause: "Busy" });
  await assert.rejects(
    wait,
    (error) => error instanceof PhoneFailure && /Busy/.test(error.message),
  );
});

test("a wait in vain tells what came instead", async () => {
  const journal = new Journal();
  journal.add("progress");
  await assert.rejects(
    journal.until("confirmed", { limit: 1 }),
    /no confirmed within 1 ms; seen: progress/,
  );
});

test("one entry ends every wait for it", async () => {
  const journal = new Journal();
  const waits = [journal.until("message"), journal.until(["message", "ended"])];
  journal.add("message", { text: "x" });
  assert.deepEqual(
    (await Promise.all(waits)).map((entry) => entry.text),
    ["x", "x"],
  );
});
