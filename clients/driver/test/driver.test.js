import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findBrowser } from "../browser.js";

const DRIVER = fileURLToPath(new URL("../driver.js", import.meta.url));

// Writes these lines to a driver, ends its input, and gives what it wrote and how it ended.
async function converse(...lines) {
  const driver = spawn(process.execPath, [DRIVER], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = [];
  const reader = createInterface({ input: driver.stdout });
  reader.on("line", (line) => answers.push(JSON.parse(line)));
  driver.stdin.end(lines.map((line) => `${line}\n`).join(""));
  const [status] = await once(driver, "close");
  return { answers, status };
}

test("says what it can do, and leaves when its input ends", async () => {
  const { answers, status } = await converse();
  assert.equal(status, 0);
  assert.equal(answers[0].event, "ready");
  assert.deepEqual(answers[0].commands, [
    "launch",
    "open",
    "call",
    "reload",
    "shot",
    "close",
    "quit",
  ]);
});

for (const [line, id, error] of [
  ["no json", null, /JSON/],
  ['{"id": 1, "do": "dance"}', 1, /unknown command "dance"/],
  ['{"id": 2, "do": "constructor"}', 2, /unknown command/],
  ['{"id": 3, "do": "open", "page": "a", "url": "about:blank"}', 3, /launch the browser first/],
  ['{"id": 4, "do": "open", "url": "about:blank"}', 4, /"open" needs "page"/],
  ['{"id": 5, "do": "call", "page": "a", "method": "state"}', 5, /no page "a"; open: none/],
  ['{"id": 6, "do": "launch", "executable": "/nowhere/browser"}', 6, /nowhere/],
]) {
  test(`answers ${line} with an error`, async () => {
    const { answers, status } = await converse(line);
    assert.equal(status, 0);
    const answer = answers.find((item) => "error" in item);
    assert.equal(answer.id, id);
    assert.match(answer.error, error);
  });
}

test("says which browsers it looked for", () => {
  assert.throws(() => findBrowser("/nowhere"), /no browser found on PATH; looked for chromium/);
});
