// Proof that sound flows: what getStats() says of a peer connection, and a wait for the figures to grow.

import { PhoneFailure } from "./journal.js";

// The audio figures of a connection. `energy` is the energy of the received sound: packets of silence leave it at 0.
export async function figures(connection) {
  const report = new Map();
  (await connection.getStats()).forEach((entry) => report.set(entry.id, entry));
  const result = {
    ice: connection.iceConnectionState,
    received: { packets: 0, bytes: 0, lost: 0, energy: 0 },
    sent: { packets: 0, bytes: 0 },
    pair: null,
  };
  let selected = null;
  for (const entry of report.values()) {
    if (entry.type === "inbound-rtp" && entry.kind === "audio") {
      result.received.packets += entry.packetsReceived ?? 0;
      result.received.bytes += entry.bytesReceived ?? 0;
      result.received.lost += entry.packetsLost ?? 0;
      result.received.energy += entry.totalAudioEnergy ?? 0;
    } else if (entry.type === "outbound-rtp" && entry.kind === "audio") {
      result.sent.packets += entry.packetsSent ?? 0;
      result.sent.bytes += entry.bytesSent ?? 0;
    } else if (entry.type === "transport" && entry.selectedCandidatePairId) {
      selected = report.get(entry.selectedCandidatePairId);
    } else if (entry.type === "candidate-pair" && entry.selected) {
      selected ??= entry;
    }
  }
  if (selected) {
    result.pair = {
      local: describe(report.get(selected.localCandidateId)),
      remote: describe(report.get(selected.remoteCandidateId)),
    };
  }
  return result;
}

function describe(candidate) {
  if (!candidate) return null;
  const { candidateType, protocol, relayProtocol, address, port } = candidate;
  return { type: candidateType, protocol, relayProtocol, address: address ?? null, port };
}

// The energy by which one beep of a test microphone exceeds the noise of decoded silence (about 1e-9 a second).
const SOUND = 1e-3;

// Waits until sound has come in: received packets and energy have both grown since `before`, and packets were sent.
// Figures change in steps of their own; there is no event for them, so they are read again until they have changed.
export async function heard(connection, before, { limit = 10000, every = 50 } = {}) {
  const end = performance.now() + limit;
  for (;;) {
    const now = await figures(connection);
    if (
      now.received.packets > before.received.packets &&
      now.received.energy > before.received.energy + SOUND &&
      now.sent.packets > before.sent.packets
    ) {
      return now;
    }
    if (performance.now() > end) {
      throw new PhoneFailure(
        `no sound within ${limit} ms: before ${JSON.stringify(before)}, after ${JSON.stringify(now)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
