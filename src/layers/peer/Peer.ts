/**
 * One peer as the node keeps it: the pair's state machine, its sockets, its backoff and what was learnt. Mutable, and touched
 * only by the connection manager's synchronous steps; everybody else reads `record`.
 */
import { Hex } from "effect/encoding"
import type { DisconnectReason } from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerSource } from "../../domain/NodeEvent.ts"
import type { PairEvent, PairState } from "../../domain/pair/PairState.ts"
import * as PairState_ from "../../domain/pair/PairState.ts"
import * as Backoff from "../../domain/peer/Backoff.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { ExpectedDialler, PeerRecord } from "../../domain/peer/PeerRecord.ts"
import type { Timer } from "../time/Timers.ts"
import type { PeerConnection } from "./PeerConnection.ts"

export class PeerRow {
  readonly ip: PeerIp.PeerIp
  readonly ipClass: PeerIp.IpClass
  /** Orders rows by numeric IP when compared as text. */
  readonly sortKey: string
  /** Listening port; `undefined` not told, 0 does not listen. */
  port: number | undefined
  private otherPorts: ReadonlyArray<number> = []
  /** Which of its ports the next dial takes. */
  private portAt = 0
  source: PeerSource
  pair: PairState = PairState_.empty
  /** Ends of the pair that have a socket or a dial, oldest first; the same ids as `pair.ends`. */
  connections: Array<PeerConnection> = []
  /** Events waiting for the step under way to end. */
  readonly inbox: Array<PairEvent> = []
  stepping = false
  timers: Map<string, Timer> | undefined
  backoff: Backoff.State = Backoff.start
  /** Times in a row this peer was refused with `in-use`, for the doubling `retryAfter`. */
  inUseRefusals = 0
  /** Wall time of the next own dial, ms. */
  nextDialAt: number | undefined
  last: PeerRecord["last"]
  /** Of the Hello of its latest connection that was up, as `tip` and `capabilities` are. */
  software: string | undefined
  tip: PeerRecord["tip"]
  aliasOf: PeerIp.PeerIp | undefined
  ups = 0
  lastGoodAt: number | undefined
  /** It has said Hello, if only to be refused. */
  greeted = false
  capabilities = 0
  /** The last connection came from our own dial although the peer ranks lower: it cannot dial us. */
  onlyWeDial = false
  /** New addresses it may still tell us of, and when (monotonic ms) that was reckoned. */
  newAddresses: number = Limits.newAddresses
  newAddressesAt = 0
  /** It was found to be this node. */
  own = false

  constructor(ip: PeerIp.PeerIp, port: number | undefined, source: PeerSource) {
    this.ip = ip
    this.ipClass = PeerIp.classOf(ip)
    this.sortKey = Hex.encode(PeerIp.toBytes(ip))
    this.port = port
    this.source = source
  }

  /** It listens there, as far as is known now: what was known before is still tried where the new port refuses. */
  learnPort(port: number): void {
    if (port === this.port) return
    const before = this.port === undefined || this.port === 0 ? [] : [this.port]
    this.otherPorts = [...before, ...this.otherPorts.filter((other) => other !== port)].slice(0, Limits.otherPorts)
    this.port = port
    this.portAt = 0
  }

  private ports(usual: number): ReadonlyArray<number> {
    const known = this.port === undefined || this.port === 0 ? [] : [this.port]
    return [...new Set([...known, ...this.otherPorts, usual])]
  }

  /** Where to dial it now. `usual`: the network's port. */
  dialPort(usual: number): number {
    return this.ports(usual)[this.portAt] ?? usual
  }

  /** Nobody listens where it was dialled. True when there is another port to try before that counts as a failure. */
  refusedPort(usual: number): boolean {
    this.portAt = (this.portAt + 1) % this.ports(usual).length
    return this.portAt !== 0
  }

  /** The live connection, if one is up. */
  get up(): PeerConnection | undefined {
    return this.connections.find((connection) => connection.upAt !== undefined)
  }

  /** Only others told of it so far. */
  get isHearsay(): boolean {
    return this.source === "gossip" && this.ups === 0
  }

  /** Anything of it is under way but a dial that waits for its turn. */
  get inUse(): boolean {
    return this.connections.some((connection) => !connection.queued)
  }

  /** Orders the rows of a full table: 0 nobody ever answered there, 1 never up, 2 a peer. */
  get worth(): 0 | 1 | 2 {
    return this.ups > 0 || this.source === "stored" ? 2 : this.greeted ? 1 : 0
  }

  /** Dials in a row that came to nothing. */
  get failures(): number {
    return this.backoff.failures
  }

  connection(id: number): PeerConnection | undefined {
    return this.connections.find((connection) => connection.id === id)
  }

  noteEnd(at: number, reason: DisconnectReason, wasUp: boolean): void {
    // Losing the race of two dials says nothing about the peer: keep the reason that does.
    if (!wasUp && reason.reject === "duplicate" && this.last !== undefined) return
    this.last = { at, reason, wasUp }
  }

  private get expected(): ExpectedDialler {
    if (this.own) return "nobody"
    if (this.pair.rank === undefined) return "either"
    if (this.pair.rank === "lower") return this.pair.dialable ? "us" : "them"
    return this.onlyWeDial ? "us" : "them"
  }

  record(): PeerRecord {
    return {
      ip: this.ip,
      port: this.port,
      source: this.source,
      connection: this.up?.info(),
      attempts: this.connections.filter((connection) => connection.upAt === undefined).length,
      expected: this.expected,
      nextAttemptAt: this.nextDialAt,
      last: this.last,
      failures: this.failures,
      software: this.software,
      tip: this.tip,
      capabilities: this.capabilities,
      aliasOf: this.aliasOf,
      ups: this.ups,
      lastGoodAt: this.lastGoodAt
    }
  }
}
