/** Answers of a node as the dashboard gets them. */
import * as State from "../../web/model/State.js"
import type { Happened, Peer, Peers, State as PageState, Status } from "../../web/types.ts"

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
