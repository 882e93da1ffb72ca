/** Answers of a node as the dashboard gets them. */
import * as State from "../../web/model/State.js"
import type { About, Happened, Peer, Peers, State as PageState, Status } from "../../web/types.ts"

export const at = Date.parse("2026-11-29T12:00:00Z")

export const peer = (ip: string, change: Partial<Peer> = {}): Peer => ({
  ip,
  source: "gossip",
  attempts: 0,
  expected: "us",
  failures: 0,
  capabilities: 0,
  ups: 1,
  situation: "connected",
  cause: "the connection is up",
  ...change
})

export const connection = (change: Partial<NonNullable<Peer["connection"]>> = {}): NonNullable<Peer["connection"]> => ({
  id: 1,
  direction: "outbound",
  wire: "native",
  role: "lower",
  socket: "10.0.0.1:5",
  ephemeralPort: 5,
  since: at - 60_000,
  upMs: 60_000,
  lastByteMs: 400,
  rtt: { smoothedMs: 12, leastMs: 10, lastMs: 14, smoothedMicros: 12_345 },
  bytes: { sent: 1_000, received: 2_000 },
  messages: { sent: 1, received: 2 },
  pings: { sent: 1, received: 1 },
  pongs: { sent: 1, received: 1 },
  queuedBytes: 0,
  ...change
})

const both = { sent: { inbound: 0, outbound: 0 }, received: { inbound: 0, outbound: 0 } }

export const status = (change: Partial<Status> = {}, stats: Partial<Status["stats"]> = {}): Status => ({
  network: "devnet",
  listen: "10.0.0.100:24200",
  software: "timemesh/0.1.0",
  pid: 1,
  startedAt: at - 3_600_000,
  uptimeMs: 3_600_000,
  known: 2,
  connected: 1,
  state: "Connected to 1 of 2 known peers",
  verdict: { ok: true, ready: true, text: "OK: 1 peer (0 in, 1 out)", problems: [] },
  stats: {
    ups: 1,
    downs: 0,
    downsByReason: {},
    refused: 0,
    refusedByReason: {},
    dials: 1,
    dialsFailed: 0,
    pings: both,
    pongs: both,
    unknownFrames: 0,
    maxLagMs: 0,
    ...stats
  },
  ...change
})

export const peers = (rows: ReadonlyArray<Peer>, ms = at): Peers => ({
  at: ms,
  open: rows.filter(({ connection }) => connection !== undefined).length,
  peers: rows
})

/** A page that has had one answer. */
export const page = (
  rows: ReadonlyArray<Peer>,
  change: Partial<PageState> = {},
  of: Status = status()
): PageState => ({ ...State.answered(State.initial, of, peers(rows), 0), ...change })

export const down = (ms: number, reason: Record<string, string>): Happened => ({
  at: ms,
  event: "Down",
  level: "Info",
  text: "PeerConnection 10.0.0.1 disconnected (EOF)",
  ip: "10.0.0.1",
  fields: { reason }
})

/** What a node answers beyond its peers. `text`: what others may have written into it; `known`: addresses in its book, of which it sends a page. */
export const about = (text: string, known = 2): About => ({
  own: {
    at,
    listen: "10.0.0.100:24200",
    ip: "10.0.0.100",
    port: 24_200,
    isConfirmed: false,
    reachable: "no",
    seen: [{ ip: "10.0.0.100", groups: 2, of: 3, others: ["10.9.9.9"] }],
    notices: [{ notice: "unreachable", cause: text, fix: text }],
    line: text
  },
  clock: { at, behindS: 61, of: 2, peers: [{ ip: "10.0.0.9", behindS: 61 }] },
  resources: {
    at,
    memory: { residentBytes: 1e8, heapBytes: 5e7, heapLimitBytes: 2e9, externalBytes: 1e6 },
    descriptors: { open: 55, limit: 1_024 },
    disk: { directory: text, freeBytes: 5e9, totalBytes: 1e11 },
    cpuMs: 12_000,
    lagMs: 40,
    maxLagMs: 20
  },
  refusals: {
    at,
    refused: 12,
    byReason: { [text]: 3, full: 9 },
    byNetgroup: [{ netgroup: text, refused: 12, byReason: { [text]: 12 }, at: at - 5_000, example: "203.0.113.7" }],
    others: 1,
    turnedAway: 2
  },
  bans: {
    at,
    bans: [{
      subnet: "203.0.113.0/24",
      since: at,
      until: at + 3_600_000,
      leftMs: 3_600_000,
      by: "operator",
      reason: text
    }]
  },
  settings: {
    settings: [
      { name: "network", environment: "TIMEMESH_NETWORK", values: ["devnet"], source: "default" },
      {
        name: "max-peers",
        environment: "TIMEMESH_MAX_PEERS",
        values: ["50"],
        source: "environment",
        where: "TIMEMESH_MAX_PEERS"
      },
      { name: "peer", environment: "TIMEMESH_PEER", values: [text], source: "default" }
    ]
  },
  book: {
    at,
    tried: 1,
    new: known - 1,
    addresses: Array.from({ length: Math.min(known, 100) }, (_, i) => ({
      ip: `10.2.0.${i}`,
      port: 24_200,
      table: i === 0 ? "tried" : "new",
      wire: text,
      seenAt: at - 1_000,
      failures: 0
    }))
  }
})
