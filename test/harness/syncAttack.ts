/**
 * Attacks on sync with a measure: one node, one honest peer whose chain grows by a block every two seconds, and liars. How far behind
 * the honest chain is the node, second by second, and what do the liars read?
 */
import { assert } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Block from "../../src/domain/chain/Block.ts"
import { capabilities, Capability } from "../../src/domain/pair/Handshake.ts"
import * as Frame from "../../src/domain/wire/Frame.ts"
import type { StoredBlock } from "../../src/services/ChainStore.ts"
import type { PeerSocket } from "../../src/services/PeerSocket.ts"
import { blocksOf, headersOf, type Liar } from "./chainLiars.ts"
import { ip, type make as makeMesh, type NodeOptions, type Running } from "./mesh.ts"
import { dial, hello } from "./rawPeer.ts"
import { make } from "./syntheticChain.ts"

export type Mesh = Effect.Success<typeof makeMesh>
export type Chain = Effect.Success<ReturnType<typeof make>>

export const us = "10.0.0.1"
export const honestIp = "10.0.1.1"

export interface Seen {
  /** Blocks behind the honest chain, each second. */
  readonly behind: ReadonlyArray<number>
  /** Seconds in a row that it was behind, at most. */
  readonly longest: number
  /** CPU ms of the whole test per virtual second. */
  readonly cpuMs: number
  /** How often a liar was up. */
  readonly connections: number
  /** What liars were told when their connection ended. */
  readonly read: ReadonlyArray<string>
  readonly node: Running
  readonly honest: Running
  /** The status line, each second. */
  readonly lines: ReadonlyArray<string>
}

export interface Attack {
  readonly liars: number
  readonly liar: Pick<Liar, "lie" | "trickle" | "first">
  /** The chain of liar `n`, made from the honest one as it is at the start. */
  readonly chain: (n: number, honest: Chain) => Effect.Effect<Chain>
  /** A liar whose connection ended is back after so many ms. Absent: it stays away. */
  readonly returnMs?: number
  /** A liar leaves by itself so many ms after its first request. */
  readonly leaveMs?: number
  readonly seconds: number
  /** Height at which the node begins (default: that of the honest peer, 300). */
  readonly from?: number
  readonly height?: number
  /** The honest peer's blocks come by twos, so that they are announced by their tip and read by their headers. */
  readonly byTip?: boolean
  /** The honest peer comes after the liars, so that nothing is synced before. */
  readonly liarsFirst?: boolean
  readonly options?: NodeOptions
}

const decoded = (stored: StoredBlock | undefined): Block.Block => {
  assert(stored !== undefined)
  const block = Block.decode(stored.bytes)
  assert(!Block.isMalformed(block))
  return block
}

/** One connection of a liar, until it ends; it runs beside the test and does not move the clock. */
const visit = Effect.fnUntraced(function*(
  sockets: PeerSocket["Service"],
  from: string,
  chain: ReadonlyArray<StoredBlock>,
  { leaveMs, liar }: Attack,
  told: { connections: number; readonly read: Array<string> }
) {
  const raw = yield* dial(sockets, ip(us))
  const last = chain.at(-1)
  yield* raw.say(hello(ip(us), {
    nonce: BigInt(told.connections + 1_000),
    tag: from.replaceAll(".", "").padStart(32, "0"),
    process: from.replaceAll(".", "").padStart(16, "0"),
    tipHeight: last?.height ?? 0,
    tipHash: last?.hash ?? "",
    capabilities: capabilities | Capability.chain
  }))
  let dripping = false
  const drip = (kind: number) => {
    const head = new Uint8Array(Frame.headerBytes)
    Frame.writeHeader(head, 0, kind, 1_000_000)
    return Effect.andThen(raw.bytes(head), Effect.forever(Effect.delay(raw.bytes(new Uint8Array(1)), "1 second")))
  }
  while (true) {
    const message = yield* raw.next
    switch (message._tag) {
      case "Commit":
        told.connections += 1
        yield* raw.say({ _tag: "Ack" })
        yield* Effect.forEach(liar.first?.(chain) ?? [], raw.say)
        break
      case "Ping":
        if (!dripping) yield* raw.say({ _tag: "Pong", nonce: message.nonce })
        break
      case "Reject":
        told.read.push(`${message.reason}: ${message.text}`)
        break
      case "GetHeaders":
      case "GetBlocks": {
        if (leaveMs !== undefined) return yield* Effect.andThen(Effect.sleep(leaveMs), raw.close)
        const said = liar.lie(message, chain)
        if (said?.length === 0 && liar.trickle !== undefined && !dripping) {
          dripping = true
          yield* Effect.forkScoped(drip(liar.trickle))
        }
        const honest = message._tag === "GetHeaders" ? headersOf(chain, message) : blocksOf(chain, message)
        if (!dripping) yield* Effect.forEach(said ?? [honest], raw.say, { discard: true })
        break
      }
    }
  }
})

/** Runs the attack. The clock must stand at `startOfTime`. */
export const run = Effect.fnUntraced(function*(
  mesh: Mesh,
  attack: Attack
): Effect.fn.Return<Seen, never, Scope.Scope> {
  const height = attack.height ?? 300
  const base = yield* make(height)
  /** By hash, so that the honest peer continues from whatever it holds to be the best. */
  const known = new Map(base.map((block) => [block.hash, block]))
  const node = yield* mesh.start(us, { chain: base.slice(0, attack.from ?? height), ...attack.options })
  const startHonest = mesh.start(honestIp, { chain: base, peers: [us] })
  const early = attack.liarsFirst === true ? undefined : yield* startHonest
  yield* TestClock.adjust("3 seconds")
  const told = { connections: 0, read: [] as Array<string> }
  for (let n = 0; n < attack.liars; n++) {
    const from = `10.0.9.${n + 1}`
    const lies = yield* attack.chain(n, base)
    for (const block of lies) known.set(block.hash, block)
    const once = Effect.ignore(Effect.scoped(visit(mesh.network.host(ip(from)), from, lies, attack, told)))
    yield* Effect.forkScoped(
      attack.returnMs === undefined ? once : Effect.forever(Effect.andThen(once, Effect.sleep(attack.returnMs)))
    )
  }
  yield* TestClock.adjust("1 second")
  const honest = early ?? (yield* startHonest)
  const behind: Array<number> = []
  const lines: Array<string> = []
  const cpu = process.cpuUsage()
  for (let second = 0; second < attack.seconds; second++) {
    const every = attack.byTip === true ? 4 : 2
    if (second % every === 0) {
      const { tip } = yield* honest.sync.report
      const on = known.get(tip.hash) ?? assert.fail(`no block ${tip.height}`)
      for (const block of yield* make(every / 2, "10.9.9.9", [on])) {
        known.set(block.hash, block)
        yield* Effect.orDie(honest.sync.add(decoded(block)))
      }
    }
    yield* TestClock.adjust("1 second")
    const [ours, theirs] = [yield* node.sync.report, yield* honest.sync.report]
    behind.push(theirs.tip.height - ours.tip.height)
    lines.push(ours.line)
  }
  const { system, user } = process.cpuUsage(cpu)
  let longest = 0
  let inRow = 0
  for (const blocks of behind) {
    inRow = blocks > 0 ? inRow + 1 : 0
    longest = Math.max(longest, inRow)
  }
  const cpuMs = (user + system) / 1_000 / attack.seconds
  return { behind, longest, cpuMs, ...told, node, honest, lines }
})
