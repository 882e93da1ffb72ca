/**
 * A twin of the TIME network's daemon, built from docs/TIME-NETWORK.md and the recordings: one slot per IP, refusal before TLS or by silence, its dialling
 * rules, yielding without closing, its ledger of violations, its limits, and how it syncs and serves. It runs on sockets, by the clock of its process.
 */
import { Clock, Deferred, Effect, Queue } from "effect"
import type { Scope } from "effect"
import type { Socket, SocketServer } from "effect/socket"
import type { Block } from "../../domain/chain/Block.ts"
import * as ChainParams from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as TimeHandshake from "../../domain/pair/TimeHandshake.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as TimeEncoder from "../../domain/wire/time/TimeEncoder.ts"
import type { TimeMessage } from "../../domain/wire/time/TimeMessage.ts"
import type { MemoryNetwork } from "../../layers/socket/memory/MemoryNetwork.ts"
import type { Door, PeerSocket } from "../../services/PeerSocket.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import { Conn } from "./Conn.ts"
import { every } from "./every.ts"
import { Ledger } from "./Ledger.ts"
import { Slots } from "./Slots.ts"
import { TimedChain } from "./TimedChain.ts"
import type { TimedOptions } from "./TimedOptions.ts"

const params = ChainParams.testnet
const port = 24_100
const frameBytes = SimulationLimits.daemonFrameBytes

export class Timed {
  readonly ip: PeerIp.PeerIp
  readonly ledger: Ledger
  /** All connections so far, oldest first. */
  readonly conns: Array<Conn> = []
  readonly chain: TimedChain
  private readonly slots = new Slots()
  private readonly known = new Set<string>()
  /** When a higher peer was first considered. */
  private readonly considered = new Map<string, number>()
  private readonly commitCount: number
  private readonly remembers: boolean
  private now: () => number = () => 0
  private fork: (effect: Effect.Effect<unknown>) => void = () => {}
  private nonce = 0n
  private dialNow: () => void = () => {}

  constructor(options: TimedOptions) {
    this.ip = PeerIp.fromStringUnsafe(options.ip)
    this.ledger = options.ledger ?? new Ledger()
    this.chain = new TimedChain(options.hasher, options.chain ?? [], {
      now: () => this.now(),
      later: (ms, then) => this.later(ms, then),
      say: (conn, message) => this.say(conn, message),
      forkShown: ({ ip }) => this.ledger.forkShown(ip, this.now()),
      used: () => this.slots.used(),
      open: () => this.conns.filter(({ phase }) => phase === "open")
    })
    this.commitCount = options.commitCount ?? 2_344
    this.remembers = options.remembers ?? true
    for (const ip of options.knows ?? []) this.known.add(ip)
  }

  /** The connection in use with a peer: its slot's. */
  uses(ip: string): Conn | undefined {
    return this.slots.uses(ip)
  }

  /** Announces a block as its producer does, before and after storing it. */
  proposes(block: Block): void {
    for (const conn of this.slots.used()) this.say(conn, { _tag: "TimeLockBlockProposal", block })
  }

  /** Connections with a peer whose handler runs, used or not. */
  live(ip: string): ReadonlyArray<Conn> {
    return this.conns.filter((conn) => conn.ip === ip && conn.phase === "open")
  }

  // --- sockets --------------------------------------------------------------------

  /** Decides before TLS whether to accept. */
  admits(ip: PeerIp.PeerIp): boolean {
    const now = this.now()
    if (this.ledger.isBanned(ip, now)) return false
    this.ledger.attempt(ip, now)
    const slot = this.slots.get(ip)
    const yields = slot?.dir === "out" && PeerIp.compare(this.ip, ip) < 0
    if (slot !== undefined && !yields) {
      this.ledger.refused(ip, now)
      return false
    }
    // Where it yields, the connection that it gave up stays open, and a dial under way continues.
    const reserved = this.slots.take(ip, "in")
    this.considered.delete(ip)
    // The daemon's own repair of slots that never got a connection.
    this.later(15_000, () => {
      if (reserved.conn === undefined) this.slots.free(ip, reserved)
    })
    return true
  }

  private freed(conn: Conn): void {
    this.slots.freed(conn)
    if (conn.phase === "open") this.ledger.down(conn.ip, this.now())
  }

  /** The handler ends. The socket stays open. */
  private muted(conn: Conn): void {
    this.freed(conn)
    conn.phase = "mute"
  }

  private ended(conn: Conn): void {
    if (conn.phase === "closed") return
    this.freed(conn)
    conn.phase = "closed"
    conn.close()
    const at = this.remembers ? -1 : this.conns.indexOf(conn)
    if (at >= 0) this.conns.splice(at, 1)
  }

  private say(conn: Conn, message: TimeMessage): void {
    const frame = TimeEncoder.encode(message, this.commitCount)
    if (frame === undefined || conn.phase === "closed" || conn.phase === "mute") return
    if (this.remembers) conn.said.push({ at: this.now(), message })
    if (conn.out !== undefined) Queue.offerUnsafe(conn.out, frame)
  }

  private serve(conn: Conn, socket: Socket.Socket): Effect.Effect<void> {
    const program = Effect.gen({ self: this }, function*() {
      const gone = yield* Deferred.make<void>()
      conn.close = () => Deferred.doneUnsafe(gone, Effect.void)
      const reader = yield* socket.reader
      const { write } = yield* socket.writer
      const out = yield* Queue.unbounded<Uint8Array>()
      conn.out = out
      yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(out), (frame) => Effect.ignore(write(frame)))))
      this.opened(conn)
      const reading = Effect.forever(Effect.map(reader.pull, (batch) => this.pulled(conn, batch)))
      return yield* Effect.raceFirst(reading, Deferred.await(gone))
    })
    return Effect.scoped(program).pipe(
      Effect.ignoreCause,
      Effect.ensuring(Effect.sync(() => this.ended(conn)))
    )
  }

  private pulled(conn: Conn, batch: ReadonlyArray<Uint8Array | string>): void {
    for (const chunk of batch) if (typeof chunk !== "string") conn.reader.push(chunk)
    for (let next = conn.reader.read(frameBytes); next !== "none"; next = conn.reader.read(frameBytes)) {
      if (next === "malformed") {
        if (conn.phase === "fresh") this.ledger.violation(conn.ip, "ordinary", "a frame over 8 MiB", this.now())
        return this.ended(conn)
      }
      const message = conn.reader.message()
      // A refused connection is closed by the next frame.
      if (conn.phase === "mute") return this.ended(conn)
      if (message._tag !== "Unknown" && message._tag !== "BadBody") this.received(conn, message)
    }
  }

  private opened(conn: Conn): void {
    const slot = this.slots.get(conn.ip)
    if (conn.dir === "in") {
      this.later(10_000, () => {
        if (conn.phase !== "fresh") return
        this.ledger.violation(conn.ip, "handshake", "no Handshake within 10 s", this.now())
        this.muted(conn)
      })
      return
    }
    // An inbound connection has taken the slot meanwhile.
    if (slot?.conn !== conn) return this.ended(conn)
    slot.connected = true
    this.considered.delete(conn.ip)
    conn.phase = "open"
    this.greet(conn)
    this.ping(conn)
    this.say(conn, { _tag: "GetPeers" })
    this.say(conn, { _tag: "GetMasternodes" })
    this.say(conn, { _tag: "GetBlockHash", height: 0 })
    this.ping(conn)
    this.begun(conn)
  }

  private greet(conn: Conn): void {
    const handshake = TimeHandshake.own("testnet")
    if (handshake !== undefined) this.say(conn, { ...handshake, commitCount: this.commitCount })
  }

  private ping(conn: Conn): void {
    this.nonce += 1n
    const { height } = this.chain
    this.say(conn, { _tag: "Ping", nonce: Number(this.nonce), timestamp: this.seconds, height })
  }

  /** Runs on every connection from then on. */
  private begun(conn: Conn): void {
    // Its check of the peer's genesis gives up after 10 s, and then it assumes a match.
    this.later(10_000, () => {
      conn.confirmed = true
    })
    this.fork(every(30_000, () => this.ping(conn), () => conn.phase === "open"))
  }

  private later(ms: number, then: () => void): void {
    this.fork(Effect.andThen(Effect.sleep(ms), Effect.sync(then)))
  }

  // --- messages -------------------------------------------------------------------

  private received(conn: Conn, message: TimeMessage): void {
    const now = this.now()
    if (conn.phase === "fresh") return this.first(conn, message)
    if (this.remembers) conn.heard.push({ at: now, message })
    if (!conn.rates.takes(message._tag, now)) return
    const free = message._tag === "Ping" || message._tag === "Pong" || message._tag === "Handshake"
    if (!free && this.ledger.isBanned(conn.ip, now)) return this.muted(conn)
    if (this.chain.hears(message._tag)) this.answer(conn, message)
  }

  private first(conn: Conn, message: TimeMessage): void {
    const now = this.now()
    const alert = (text: string) =>
      this.say(conn, {
        _tag: "ForkAlert",
        yourHeight: 0,
        yourHash: Hash.zero,
        consensusHeight: 0,
        consensusHash: Hash.zero,
        consensusPeers: 0,
        message: text
      })
    if (message._tag !== "Handshake") {
      this.ledger.violation(conn.ip, "handshake", `${message._tag} before the Handshake`, now)
      return this.muted(conn)
    }
    if (this.remembers) conn.heard.push({ at: now, message })
    const own = TimeHandshake.own("testnet")
    if (own === undefined || !own.magic.every((byte, at) => byte === message.magic[at])) {
      this.ledger.violation(conn.ip, "ordinary", "wrong magic", now)
      return this.muted(conn)
    }
    if (message.version < 2 || message.commitCount < 2_062) {
      alert("your version is too old")
      if (message.commitCount < 2_062) this.ledger.ban(conn.ip, 4 * 3_600_000, "an old commit count", now)
      return this.muted(conn)
    }
    conn.phase = "open"
    const slot = this.slots.get(conn.ip)
    if (slot !== undefined) Object.assign(slot, { connected: true, conn })
    this.say(conn, { _tag: "Ack", of: "Handshake" })
    this.say(conn, { _tag: "GetPeers" })
    this.say(conn, { _tag: "GetMasternodes" })
    this.say(conn, { _tag: "MempoolSyncRequest" })
    this.say(conn, { _tag: "GetGenesisHash" })
    this.greet(conn)
    this.ping(conn)
    this.say(conn, { _tag: "GetBlockHash", height: 0 })
    this.ping(conn)
    this.begun(conn)
  }

  private answer(conn: Conn, message: TimeMessage): void {
    const { hashes, height } = this.chain
    switch (message._tag) {
      case "Ping":
        return this.say(conn, { _tag: "Pong", nonce: message.nonce, timestamp: this.seconds, height })
      case "GetPeers":
        return this.say(conn, { _tag: "PeerExchange", peers: this.exchanged() })
      case "GetMasternodes":
        return this.say(conn, { _tag: "MasternodesResponse", masternodes: [] })
      case "GetGenesisHash":
        return this.say(conn, { _tag: "GenesisHashResponse", hash: params.genesisHash })
      case "GenesisHashResponse":
        if (Hash.equals(message.hash, params.genesisHash)) conn.confirmed = true
        else if (height > 0) this.ledger.ban(conn.ip, Infinity, "a wrong genesis", this.now())
        return
      case "GetBlockHeight":
        return this.say(conn, { _tag: "BlockHeightResponse", height })
      case "GetChainTip":
        return this.say(conn, { _tag: "ChainTipResponse", height, hash: hashes[height] ?? Hash.zero })
      case "ChainTipResponse":
        return this.chain.tipTold(conn, message.height, message.hash.slice())
      case "GetBlocks":
        return this.page(conn, message.start, message.end)
      case "GetBlockRange":
        return this.say(conn, { _tag: "BlockRangeResponse", blocks: this.chain.page(message.start, message.end) })
      case "GetBlockHash":
        return this.say(conn, { _tag: "BlockHashResponse", height: message.height, hash: hashes[message.height] })
      case "BlockRequest": {
        const block = this.chain.blocks[message.height]
        if (block !== undefined) this.say(conn, { _tag: "BlockResponse", block })
        return
      }
      case "RequestGenesis":
        return this.say(conn, { _tag: "GenesisAnnouncement", block: params.genesis })
      case "GetChainWork":
        return this.say(conn, this.chain.work)
      case "BlockInventory":
        if (message.height > height) this.say(conn, { _tag: "BlockRequest", height: message.height })
        return
      case "BlocksResponse":
        return this.chain.take(conn, message.blocks)
      case "BlockResponse":
      case "BlockAnnouncement":
        return this.chain.take(conn, [message.block])
      case "MasternodesResponse": {
        const news = message.masternodes.filter(({ address }) => address !== this.ip && !this.known.has(address))
        for (const { address } of news) this.known.add(address)
        if (news.length > 0 && height > 0) this.dialNow()
        return
      }
      case "MasternodeAnnouncementV3":
      case "MasternodeAnnouncementV2":
        return this.ledger.announced(conn.ip, this.now())
    }
  }

  private page(conn: Conn, start: number, end: number): void {
    const now = this.now()
    if (conn.loops(start, end, now)) {
      return this.ledger.violation(conn.ip, "ordinary", `GetBlocks(${start}, ${end}) for the 21st time`, now)
    }
    this.say(conn, { _tag: "BlocksResponse", blocks: end < start ? [] : this.chain.page(start, end) })
  }

  private get seconds(): number {
    return Math.floor(this.now() / 1_000)
  }

  private exchanged() {
    const entry = (address: string) => ({ address, connections: 65_535, isMasternode: false, tier: undefined })
    const up = this.slots.used().map(({ ip }) => entry(ip))
    return [...up, entry(this.ip)]
  }

  // --- dialling -------------------------------------------------------------------

  private mayDial(ip: string): boolean {
    if (this.slots.get(ip) !== undefined || this.ledger.isBanned(ip, this.now())) return false
    if (PeerIp.compare(this.ip, ip as PeerIp.PeerIp) > 0) return true
    const since = this.considered.get(ip) ?? this.now()
    this.considered.set(ip, since)
    return this.now() - since >= 180_000
  }

  /** Runs it in a simulated network. Ends with the scope, as a killed process does. */
  start(network: MemoryNetwork["Service"]): Effect.Effect<void, never, Scope.Scope> {
    const secure = network.secure(this.ip, { admits: ({ ip }) => this.admits(ip) })
    return Effect.andThen(secure, Effect.orDie(this.run(network.host(this.ip))))
  }

  /** The same on given sockets, whose `door` asks `admits`. */
  run(
    sockets: PeerSocket["Service"],
    door?: Door
  ): Effect.Effect<void, SocketServer.SocketServerError, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const clock = yield* Clock.Clock
      const scope = yield* Effect.scope
      const run = Effect.runForkWith(yield* Effect.context())
      this.now = () => clock.currentTimeMillisUnsafe()
      this.fork = (effect) => void run(Effect.forkIn(effect, scope, { startImmediately: true }))
      const listener = yield* sockets.listen(PeerAddress.make(this.ip, port))
      yield* Effect.forkScoped(
        listener.run(({ remote, socket }) => {
          const conn = new Conn(remote.ip, "in", this.now())
          this.conns.push(conn)
          const slot = this.slots.get(remote.ip)
          if (slot?.dir === "in" && slot.conn === undefined) slot.conn = conn
          return this.serve(conn, socket)
        }, door),
        { startImmediately: true }
      )
      const dial = (ip: string) =>
        Effect.gen({ self: this }, function*() {
          const conn = new Conn(ip, "out", this.now())
          const slot = this.slots.take(ip, "out", conn)
          const to = PeerAddress.make(PeerIp.fromStringUnsafe(ip), port)
          const { socket } = yield* sockets.dial(to, { from: this.ip, timeoutMs: SimulationLimits.daemonDialMs })
          this.conns.push(conn)
          yield* this.serve(conn, socket)
          if (conn.out === undefined) this.slots.dialFailed(conn)
          this.slots.free(ip, slot)
        })
      this.dialNow = () => {
        for (const ip of this.known) if (this.mayDial(ip)) this.fork(dial(ip))
      }
      this.dialNow()
      yield* Effect.forkScoped(every(30_000, () => {
        this.slots.heal()
        this.dialNow()
      }))
      yield* Effect.forkScoped(every(10_000, () => this.chain.coordinate()))
    })
  }
}
