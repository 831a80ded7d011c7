import assert from "node:assert/strict";
import { test } from "node:test";
import { PhoneFailure } from "../journal.js";
import { figures, heard } from "../media.js";

function connection(...reports) {
  let next = 0;
  return {
    iceConnectionState: "connected",
    getStats: async () => reports[Math.min(next++, reports.length - 1)],
  };
}

function report(packets, energy) {
  return new Map(
    [
      {
        id: "i",
        type: "inbound-rtp",
        kind: "audio",
        packetsReceived: packets,
        bytesReceived: packets * 60,
      },
      {
        id: "o",
        type: "outbound-rtp",
        kind: "audio",
        packetsSent: packets,
        bytesSent: packets * 60,
      },
      { id: "v", type: "inbound-rtp", kind: "video", packetsReceived: 999 },
      { id: "t", type: "transport", selectedCandidatePairId: "p" },
      { id: "p", type: "candidate-pair", localCandidateId: "l", remoteCandidateId: "r" },
      { id: "l", candidateType: "host", protocol: "udp", address: "127.0.0.1", port: 1 },
      { id: "r", candidateType: "relay", protocol: "udp", relayProtocol: "tls", port: 2 },
    ].map((entry) => [entry.id, entry.id === "i" ? { ...entry, totalAudioEnergy: energy } : entry]),
  );
}

test("the figures are those of the sound alone, with the pair in use", async () => {
  const now = await figures(connection(report(50, 0.25)));
  assert.deepEqual(now.received, { packets: 50, bytes: 3000, lost: 0, energy: 0.25 });
  assert.deepEqual(now.sent, { packets: 50, bytes: 3000 });
  assert.equal(now.pair.local.address, "127.0.0.1");
  assert.equal(now.pair.remote.relayProtocol, "tls");
});

test("sound is heard when packets and energy have grown", async () => {
  const before = await figures(connection(report(10, 0.1)));
  const after = await heard(connection(report(10, 0.1), report(20, 0.2)), before, { every: 1 });
  assert.equal(after.received.packets, 20);
});

test("packets of silence are no sound", async () => {
  const before = await figures(connection(report(10, 0.1)));
  await assert.rejects(
    heard(connection(report(500, 0.1 + 1e-9)), before, { limit: 5, every: 1 }),
    PhoneFailure,
  );
});
