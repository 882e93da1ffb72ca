/** Answers of a node, as `timemesh watch` reads them. */
import type { Answer } from "../../../src/cli/watch/Model.ts"
import type { Sent } from "../../../src/layers/http/EventsApi.ts"
import type { Peer } from "../../../src/layers/http/PeerApi.ts"

const both = { inbound: 0, outbound: 0 }
const traffic = { sent: 1_000, received: 2_000 }

export const up = (ip: string, fields: Partial<Peer> = {}): Peer => ({
  ip,
  port: 24_200,
  source: "configured",
  connection: {
    id: 1,
    direction: "inbound",
    wire: "native",
    transport: "TLSv1.3",
    role: "lower",
    socket: `${ip}:40000`,
    ephemeralPort: 40_000,
    since: 0,
    upMs: 61_000,
    lastByteMs: 2_000,
    rtt: { smoothedMs: 1, leastMs: 1, lastMs: 1, smoothedMicros: 1_200 },
    bytes: traffic,
    messages: traffic,
    pings: traffic,
    pongs: traffic,
    queuedBytes: 0
  },
  attempts: 0,
  expected: "us",
  situation: "connected",
  failures: 0,
  software: "timemesh/0.1.0",
  pin: { state: "pinned" },
  capabilities: 0,
  ups: 1,
  sync: { height: 19, blocks: 3, use: "idle" },
  ...fields
})

export const down = (ip: string, situation: string): Peer => {
  const { connection: _, ...rest } = up(ip)
  return { ...rest, situation, nextAttemptAt: 14_000 }
}

export const answer = (peers: ReadonlyArray<Peer>, status: Partial<Answer["status"]> = {}): Answer => {
  const connected = peers.filter(({ connection }) => connection !== undefined).length
  return {
    peers: { at: 10_000, open: connected, peers },
    status: {
      network: "devnet",
      listen: "127.0.0.1:24200",
      software: "timemesh/0.1.0",
      pid: 4711,
      startedAt: 1_000,
      uptimeMs: 9_000,
      known: peers.length,
      connected,
      verdict: {
        ok: true,
        ready: true,
        text: `OK: ${connected} peers (${connected} in, 0 out), height 19 = best peer`,
        problems: []
      },
      state: "Connected",
      chain: {
        height: 19,
        hash: "00",
        headers: 19,
        synced: true,
        line: `height 19, ${connected} peers, in sync`,
        reorgs: 1,
        waiting: { blocks: 0, bytes: 0 },
        peers: []
      },
      stats: {
        ups: 1,
        downs: 0,
        downsByReason: {},
        refused: 0,
        refusedByReason: {},
        dials: 0,
        dialsFailed: 0,
        pings: { sent: both, received: both },
        pongs: { sent: both, received: both },
        unknownFrames: 0,
        maxLagMs: 0
      },
      ...status
    }
  }
}

export const started = (resumed: boolean, missed = 0): Sent => ({
  id: "p-0",
  event: "start",
  data: { resumed, missed }
})

export const happened = (number: number, text = `event ${number}`): Sent => ({
  id: `p-${number}`,
  event: "message",
  data: { at: number * 1_000, event: "Up", level: "Info", text, fields: {} }
})
