/** The chain of the daemon's twin: what it holds, how it asks for more, and when it switches to another chain. */
import type { Block } from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import * as ChainParams from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import type { TimeMessage } from "../../domain/wire/time/TimeMessage.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import type { Conn } from "./Conn.ts"

const params = ChainParams.testnet
const pageBlocks = SimulationLimits.daemonPageBlocks

/** Messages it drops while it syncs. */
const notWhileSyncing = new Set<TimeMessage["_tag"]>(["GetMasternodes", "GetChainWork", "MasternodesResponse"])

interface Process {
  readonly now: () => number
  readonly later: (ms: number, then: () => void) => void
  readonly say: (conn: Conn, message: TimeMessage) => void
  /** Connections of the slots. */
  readonly used: () => ReadonlyArray<Conn>
  /** The first block of a page from that peer extends another chain. */
  readonly forkShown: (conn: Conn) => void
  /** All connections whose handler runs. */
  readonly open: () => ReadonlyArray<Conn>
}

export class TimedChain {
  readonly blocks: Array<Block>
  readonly hashes: Array<Hash.Hash>
  private readonly process: Process
  private readonly hasher: Hasher
  /** When a peer was last asked for more because its tip is higher. */
  private readonly askedAt = new Map<string, number>()
  /** When a page was last requested. */
  private pageAt = -Infinity
  private isCoordinating = false
  /** First height of the page after the last of a run of pages, until a request for it got no result. */
  private next: number | undefined
  /** Until then it answers only messages about the chain. */
  private syncingUntil = -Infinity
  /** A peer's longer chain that forks from this one, from the block after the fork on. */
  private branch: { readonly conn: Conn; readonly fork: number; readonly blocks: Array<Block> } | undefined
  private forkedAt = -Infinity
  /** After its finality lock refused a chain, no fork is considered. */
  private lockedUntil = -Infinity
  /** Longer chains that were not adopted because no peer had reported their tip. */
  refusedForks = 0

  constructor(hasher: Hasher, blocks: ReadonlyArray<Block>, process: Process) {
    this.hasher = hasher
    this.blocks = [params.genesis, ...blocks]
    this.hashes = this.blocks.map((block) => this.hashOf(block))
    this.process = process
  }

  private hashOf({ header }: Block): Hash.Hash {
    return BlockHeader.hash(this.hasher, header)
  }

  get height(): number {
    return this.blocks.length - 1
  }

  get work(): TimeMessage {
    const { hashes, height } = this
    return {
      _tag: "ChainWorkResponse",
      height,
      tipHash: hashes[height] ?? Hash.zero,
      work: BigInt(height) * 1_000_000n
    }
  }

  /** Whether it reads a message now. */
  hears(tag: TimeMessage["_tag"]): boolean {
    return this.process.now() >= this.syncingUntil || !notWhileSyncing.has(tag)
  }

  page(start: number, end: number): ReadonlyArray<Block> {
    return this.blocks.slice(start, Math.min(end, start + pageBlocks - 1) + 1)
  }

  /** Extends the chain without announcing it. */
  append(blocks: ReadonlyArray<Block>): void {
    for (const block of blocks) {
      this.blocks.push(block)
      this.hashes.push(this.hashOf(block))
    }
  }

  private tellAll(): void {
    for (const conn of this.process.open()) this.process.say(conn, { _tag: "BlockInventory", height: this.height })
  }

  /** Extends the chain with blocks that it made itself or got from elsewhere, and announces the new height. */
  adds(blocks: ReadonlyArray<Block>): void {
    this.append(blocks)
    this.tellAll()
  }

  /** Switches to another chain, and announces it. */
  becomes(blocks: ReadonlyArray<Block>): void {
    this.blocks.length = 1
    this.hashes.length = 1
    this.adds(blocks)
  }

  // --- asking ---------------------------------------------------------------------

  tipTold(conn: Conn, height: number, hash: Uint8Array): void {
    const { now, say } = this.process
    conn.tip = { height, hash }
    const asked = this.askedAt.get(conn.ip) ?? -Infinity
    if (height > this.height && now() - asked >= 60_000) {
      this.askedAt.set(conn.ip, now())
      this.pageAt = now()
      say(conn, { _tag: "GetBlocks", start: this.height + 1, end: height + 1 })
    } else if (this.isCoordinating) this.general()
  }

  /** Asks all peers for their tips, and continues as soon as one has answered, or after a second. */
  coordinate(): void {
    this.isCoordinating = true
    for (const conn of this.process.used()) this.process.say(conn, { _tag: "GetChainTip" })
    this.process.later(1_000, () => {
      if (this.isCoordinating) this.general()
      this.isCoordinating = false
    })
  }

  /** Far behind the schedule: asks a peer that is ahead for the next page, and now and then one that is not. */
  private general(): void {
    const { later, now, say, used } = this.process
    if (this.height + 10 >= ChainParams.expectedHeight(params, now())) return
    this.isCoordinating = false
    const told = used().filter(({ tip }) => tip !== undefined)
    const ahead = told.find(({ tip }) => (tip?.height ?? 0) > this.height)
    // It continues to the scheduled height, even if no peer has that much.
    const beyond = now() - this.pageAt >= 29_000 ? this.next : undefined
    const [other] = told
    if (ahead === undefined && beyond !== undefined && other !== undefined) {
      this.next = undefined
      return say(other, { _tag: "GetBlocks", start: beyond, end: beyond + pageBlocks - 1 })
    }
    if (ahead === undefined) {
      if (told.every(({ tip }) => (tip?.height ?? 0) < this.height)) this.syncingUntil = now() + 30_000
      return
    }
    this.pageAt = now()
    const start = this.height + 1
    this.next = start + pageBlocks
    say(ahead, { _tag: "GetBlocks", start, end: start + pageBlocks - 1 })
    later(200, () => {
      if (this.height >= start) this.general()
    })
  }

  // --- taking ---------------------------------------------------------------------

  take(conn: Conn, blocks: ReadonlyArray<Block>): void {
    const due = ChainParams.expectedHeight(params, this.process.now())
    if (this.height + 10 < due && !conn.confirmed) return
    if (this.branch?.conn === conn) return this.takeBranch(conn, blocks)
    const before = this.height
    for (const block of blocks) {
      const last = this.hashes.at(-1)
      if (block.header.height !== this.height + 1 || last === undefined) continue
      if (this.isEarly(block)) break
      if (!Hash.equals(block.header.previousHash, last)) {
        this.process.forkShown(conn)
        this.forked(conn)
        break
      }
      this.append([block])
    }
    if (this.height > before) this.tellAll()
  }

  /** Its own bounds: not in the future, nor ahead of the schedule. They do not hold for a chain that it adopts in a reorg. */
  private isEarly({ header }: Block): boolean {
    const now = this.process.now()
    return header.height > ChainParams.maxHeight(params, now) ||
      header.timestamp > Math.floor(now / 1_000) + params.futureSeconds
  }

  /** A block extends another chain: searches below our tip for the common ancestor. */
  private forked(conn: Conn): void {
    const { now, say } = this.process
    if (!conn.confirmed || now() < this.lockedUntil || now() - this.forkedAt < 30_000) return
    this.forkedAt = now()
    this.branch = { conn, fork: -1, blocks: [] }
    say(conn, { _tag: "GetBlocks", start: Math.max(1, this.height - 100), end: this.height })
  }

  private takeBranch(conn: Conn, blocks: ReadonlyArray<Block>): void {
    const { say } = this.process
    const { branch } = this
    if (branch === undefined) return
    let { fork } = branch
    for (const block of blocks) {
      const { height, previousHash } = block.header
      const ours = this.hashes[height]
      if (branch.blocks.length === 0 && ours !== undefined && Hash.equals(ours, this.hashOf(block))) fork = height
      else if (branch.blocks.length === 0 && Hash.equals(previousHash, this.hashes[height - 1] ?? Hash.zero)) {
        fork = height - 1
        branch.blocks.push(block)
      } else if (branch.blocks.length > 0) branch.blocks.push(block)
    }
    this.branch = { ...branch, fork }
    const reached = fork + branch.blocks.length
    const tip = conn.tip?.height ?? 0
    if (fork < 0 || blocks.length === 0) this.branch = undefined
    else if (reached >= tip) this.adopt()
    else say(conn, { _tag: "GetBlocks", start: reached + 1, end: reached + pageBlocks })
  }

  /**
   * Its finality lock: the tip must be reported, by height and hash, by more than half of the peers ahead. Which peers count is decided every 10 s: one that
   * has just connected is not among them.
   */
  private adopt(): void {
    const { branch } = this
    this.branch = undefined
    const last = branch?.blocks.at(-1)
    if (branch === undefined || last === undefined || last.header.height <= this.height) return
    const settled = this.process.now() - SimulationLimits.daemonSettlesMs
    const ahead = this.process.used().filter(({ openedAt, tip }) =>
      openedAt <= settled && (tip?.height ?? 0) > this.height
    )
    const hash = this.hashOf(last)
    const telling = ahead.filter(({ tip }) => tip?.height === last.header.height && Hash.equals(tip.hash, hash))
    if (2 * telling.length <= ahead.length) {
      this.refusedForks += 1
      this.lockedUntil = this.process.now() + SimulationLimits.daemonLockMs
      return
    }
    this.blocks.length = branch.fork + 1
    this.hashes.length = branch.fork + 1
    this.adds(branch.blocks)
  }
}
