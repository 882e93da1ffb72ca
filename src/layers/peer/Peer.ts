/**
 * One peer as the node keeps it: its pair's state, its ends, its backoff, and one immutable book entry. Touched only by the connection
 * manager's synchronous steps; all other code reads `record`.
 */
import { hexText } from "../../domain/hexText.ts"
import * as Pair from "../../domain/pair/Pair.ts"
import * as PairState from "../../domain/pair/PairState.ts"
import type * as TimePairState from "../../domain/pair/TimePairState.ts"
import * as Backoff from "../../domain/peer/Backoff.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type {
  ExpectedDialler,
  PeerConnectionInfo,
  PeerRecord,
  PeerSource,
  WireName
} from "../../domain/peer/PeerRecord.ts"
import type { PinReport } from "../../domain/peer/Pins.ts"
import { transportOf } from "../../services/PeerSocket.ts"
import type { Timer } from "../time/Timers.ts"
import type { PeerEnd, PeerOfEnd, Up } from "./PeerEnd.ts"

/** What a row needs from outside: both clocks (ms), the network's usual port, and the pinned keys. */
export interface RowContext {
  readonly usualPort: number
  readonly now: () => number
  readonly nowMs: () => number
  readonly keyReport: (ip: PeerIp.PeerIp) => PinReport | undefined
}

export class Peer implements PeerOfEnd {
  readonly ip: PeerIp.PeerIp
  readonly ipClass: PeerIp.IpClass
  /** Its netgroup (`PeerIp.operatorOf`). */
  readonly group: string
  /** Orders peers by numeric IP when compared as text. */
  readonly sortKey: string
  book: BookEntry.BookEntry
  pair: PairState.PairState = PairState.empty
  /** Its pair on the TIME wire, once it was seen to speak that wire. */
  time: TimePairState.TimePairState | undefined = undefined
  /** Which of the two pairs dials. */
  speaks: WireName = "native"
  /** The ends of `pair` and of `time`, oldest first. */
  ends: ReadonlyArray<PeerEnd> = []
  backoff: Backoff.State = Backoff.start
  /** Rejects that it sent in a row to our dials, without a connection of `Limits.stableMs` in between. */
  refusals = 0
  /** Running timers of the pair, by kind and end. */
  timers: Map<string, Timer> | undefined = undefined
  /** How many more addresses new to the table it may gossip, as of `at` (monotonic ms). */
  gossip: { readonly tokens: number; readonly at: number } | undefined = undefined
  /** Dialled although every place is taken, only to see whether a node is there. */
  isFeeler = false
  /** How many more address lists it may ask for, as of `at` (monotonic ms). */
  answers: { readonly tokens: number; readonly at: number } | undefined = undefined
  /** When it last sent a new block, monotonic ms. */
  usefulAt: number | undefined = undefined
  /** It left the table: later events for it are ignored. */
  forgotten = false

  constructor(ip: PeerIp.PeerIp, port: number | undefined, source: PeerSource) {
    this.ip = ip
    this.ipClass = PeerIp.classOf(ip)
    this.group = PeerIp.operatorOf(ip)
    this.sortKey = hexText(PeerIp.toBytes(ip))
    this.book = BookEntry.make(port, source)
  }

  /** Replaces the named facts of the book entry. */
  note(change: Partial<BookEntry.BookEntry>): void {
    this.book = { ...this.book, ...change }
  }

  end(id: number): PeerEnd | undefined {
    return this.ends.find((end) => end.id === id)
  }

  has(end: PeerEnd): boolean {
    return this.ends.includes(end)
  }

  /** The live connection, if one is up. */
  get up(): Up | undefined {
    for (const end of this.ends) if (end.up !== undefined) return end.up
    return undefined
  }

  /** Whether any of its ends is more than a dial waiting for its turn. */
  get inUse(): boolean {
    return this.ends.some((end) => end.connection !== undefined)
  }

  /** Dials in a row without a connection of `Limits.stableMs`: failed, or refused. */
  get vainDials(): number {
    return this.backoff.failures + this.refusals
  }

  /** Whether the node dials it on its own. */
  get dialable(): boolean {
    return this.speaks === "time" ? this.time?.dialable === true : this.pair.dialable
  }

  private get expected(): ExpectedDialler {
    const { rank } = this.pair
    const { dialable } = this
    if (this.book.isSelf) return "nobody"
    if (this.speaks === "time") return dialable && this.time?.rank === "higher" ? "us" : "them"
    if (!dialable) return "them"
    // The peer said it would not dial us; its Reject says when we may dial.
    const last = BookEntry.last(this.book)
    if (last?.reason.kind === "operator" && last.reason.by === "remote") return "us"
    if (rank === undefined) return "either"
    if (rank === "lower") return "us"
    return this.book.onlyWeDial ? "us" : "them"
  }

  private pin({ keyReport }: RowContext): PinReport | undefined {
    const { up } = this
    if (up === undefined) return keyReport(this.ip)
    if (up.connection.secured?._tag !== "Tls") return undefined
    // The live connection passed its check: a key refused since then belongs to another host.
    return up.end.wire === "time" ? { state: "not-pinned" } : pinned(keyReport(this.ip))
  }

  /** Wall times in the record are monotonic times converted by the current clock offset. */
  record(context: RowContext): PeerRecord {
    const { book, ip, up } = this
    const now = context.now()
    const offset = context.nowMs() - now
    const wallMs = (at: number | undefined) => at === undefined ? undefined : Math.round(at + offset)
    const { lastAttempt, lastDown } = book
    const last = BookEntry.last(book)
    return {
      ip,
      port: book.port,
      source: book.source,
      connection: up === undefined ? undefined : info(this, up, Math.round(up.at + offset), now),
      attempts: this.ends.filter((end) => end.up === undefined).length,
      expected: this.expected,
      nextAttemptAt: wallMs((this.timers?.get(redialKey) ?? this.timers?.get(timeDialKey))?.dueMs),
      last: last === undefined
        ? undefined
        : { at: Math.round(last.at + offset), reason: last.reason, wasUp: last === lastDown },
      lastDown: lastDown === undefined
        ? undefined
        : { ...lastDown, at: Math.round(lastDown.at + offset), upMs: Math.round(lastDown.upMs) },
      lastAttempt: lastAttempt === undefined ? undefined : { ...lastAttempt, at: Math.round(lastAttempt.at + offset) },
      shortUps: book.shortUps,
      restarts: book.restarts,
      flaps: book.flaps,
      inUseRefusals: book.inUseRefusals,
      mayDial: this.dialable,
      speaks: this.speaks,
      pin: this.pin(context),
      isStopped: book.isStopped,
      dialPort: BookEntry.dialPort(book, context.usualPort),
      failures: this.backoff.failures,
      software: book.software,
      tip: book.tip,
      capabilities: book.capabilities,
      aliasOf: book.aliasOf,
      ups: book.ups,
      lastGoodAt: wallMs(book.lastGoodAt)
    }
  }
}

const pinned = (report: PinReport | undefined): PinReport | undefined =>
  report === undefined ? undefined : { ...report, state: "pinned" }

/** Key of a pair's timer in `Peer.timers`. */
export const timerKey = (timer: PairState.Timer): string => `${timer.kind}:${timer.end}`

/** Key of the wait before the next dial. */
export const redialKey = timerKey({ kind: "redial", end: 0 })

/** Key of a timer of the pair on the TIME wire. */
export const timeTimerKey = (timer: TimePairState.Timer): string => `time ${timer.kind}:${timer.end}`

const timeDialKey = timeTimerKey({ kind: "dial", end: 0 })

const info = (
  { pair, time }: Peer,
  { at, connection, end, liveness }: Up,
  since: number,
  now: number
): PeerConnectionInfo | undefined => {
  const role = end.wire === "time" ? time?.rank : Pair.known(pair, end.id)?.role
  if (role === undefined) return undefined
  return {
    id: end.id,
    direction: end.direction,
    role,
    wire: end.wire,
    transport: transportOf(connection.secured),
    socket: connection.socketName,
    ephemeralPort: connection.ephemeralPort,
    since,
    upMs: Math.round(now - at),
    lastByteMs: Math.round(now - liveness.heardAt),
    pingUnansweredMs: liveness.askedAt === undefined ? undefined : Math.round(now - liveness.askedAt),
    rtt: liveness.rtt,
    bytes: { sent: connection.bytesSent, received: connection.bytesReceived },
    messages: { sent: connection.messagesSent, received: connection.messagesReceived },
    pings: { sent: end.pingsSent, received: end.pingsReceived },
    pongs: { sent: end.pongsSent, received: end.pongsReceived },
    queuedBytes: connection.queuedBytes
  }
}
