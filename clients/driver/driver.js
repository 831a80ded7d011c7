#!/usr/bin/env node
// One browser, many phones: a process that reads commands as JSON lines on stdin and answers on stdout.
// README.md in this folder describes every command and event.
import { createInterface } from "node:readline";
import { Browser } from "./browser.js";
import { commands } from "./commands.js";

function say(object) {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

const browser = new Browser(say);

async function obey(line) {
  let id = null;
  try {
    const command = JSON.parse(line);
    id = command.id ?? null;
    const action = Object.hasOwn(commands, command.do) ? commands[command.do] : null;
    if (!action)
      throw new Error(
        `unknown command ${JSON.stringify(command.do)}; there are: ${Object.keys(commands).join(", ")}`,
      );
    say({ id, ok: (await action(browser, command)) ?? null });
  } catch (error) {
    const text = error.message ?? String(error);
    say(error.failure ? { id, failure: text } : { id, error: text });
  }
}

const pending = new Set();

// Without a browser whatever is still under way fails, and so gets its answer before the end.
async function leave() {
  await browser.quit();
  await Promise.all(pending);
  process.exit(0);
}

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const done = obey(line).finally(() => pending.delete(done));
  pending.add(done);
});
// End of input is the order to leave: a driver must not outlive who started it, nor leave a browser behind.
lines.on("close", leave);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, leave);
say({ event: "ready", commands: Object.keys(commands) });
