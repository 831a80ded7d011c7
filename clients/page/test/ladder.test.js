import assert from "node:assert/strict";
import { test } from "node:test";
import { title } from "../ladder.js";

for (const [text, shown] of [
  ["REGISTER sip:example.com SIP/2.0\r\n\r\n", "REGISTER sip:example.com"],
  ["SIP/2.0 200 OK\r\nCSeq: 7 INVITE\r\n\r\n", "200 OK (INVITE)"],
  ["SIP/2.0 200 OK\r\n\r\n", "200 OK"],
  ["\r\n\r\n", "keep-alive ping"],
  ["\r\n", "keep-alive pong"],
]) {
  test(`${JSON.stringify(text.slice(0, 20))} is shown as ${shown}`, () => {
    assert.equal(title(text), shown);
  });
}
