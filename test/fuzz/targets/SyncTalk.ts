/**
 * Sequences of sync messages against a real node, in virtual time: one peer answers what it is asked honestly, damaged, twice,
 * late or not at all, and says things unasked. Whatever it sends, the node has no defect, keeps a chain of valid blocks, has an honest
 * peer's better chain soon after, and keeps that peer; and nothing of it is left when it has stopped.
 *
 * An input is a script of items of four bytes: what is done, and three arguments. Those whose last byte is even answer the node's questions, in
 * turn; the others are said unasked, meanwhile. (What is unasked mostly costs the connection, and nothing after it would be heard.) What
 * counts is items.
 */
import { Effect, Exit, Layer } from "effect"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import { capabilities, Capability } from "../../../src/domain/pair/Handshake.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as Frame from "../../../src/domain/wire/Frame.ts"
import type { SyncMessage } from "../../../src/domain/wire/SyncMessage.ts"
import * as SyncMessages from "../../../src/domain/wire/SyncMessage.ts"
import * as ChainStoreMemory from "../../../src/layers/chain/ChainStoreMemory.ts"
import { MemoryNetwork } from "../../../src/layers/socket/memory/MemoryNetwork.ts"
import { ChainStore } from "../../../src/services/ChainStore.ts"
import * as Seeds from "../../../src/simulation/machine/Seeds.ts"
import { VirtualProcess } from "../../../src/simulation/machine/VirtualProcess.ts"
import { VirtualTime } from "../../../src/simulation/machine/VirtualTime.ts"
import * as Await from "../../../src/testing/Await.ts"
import type { RawPeer } from "../../../src/testing/RawPeer.ts"
import * as TestNode from "../../../src/testing/TestNode.ts"
import { blocksOf, headersOf } from "../../harness/chainLiars.ts"
import { randomFrom } from "../../harness/random.ts"
import { dial, hello } from "../../harness/rawPeer.ts"
import { devnet, genesis, make, startOfTime } from "../../harness/syntheticChain.ts"
import * as Mutator from "../Mutator.ts"
import { ensure, same, type Target, Violation } from "../Target.ts"

/** Longer than one request, with a first part that the node has already. */
const liarChain = await Effect.runPromise(make(24))
/** What the honest peer has: the same, and more than any damaged copy of the liar's can reach. */
const honestChain = [...liarChain, ...await Effect.runPromise(make(8, "10.9.9.9", liarChain))]
const had = liarChain.slice(0, 6)

const [liarIp, nodeIp, honestIp] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(PeerIp.fromStringUnsafe) as [
  PeerIp.PeerIp,
  PeerIp.PeerIp,
  PeerIp.PeerIp
]

/** `made` is given the store itself. */
const store = (blocks: typeof liarChain, made: (store: ChainStore["Service"]) => void = () => {}) =>
  Layer.effect(
    ChainStore,
    Effect.tap(Effect.service(ChainStore), (store) => {
      made(store)
      return Effect.orDie(store.append(0, blocks))
    })
  ).pipe(Layer.provide(ChainStoreMemory.layer({ genesis: genesis(devnet) })))

type Item = readonly [what: number, a: number, b: number, c: number]

const itemsOf = (script: Uint8Array): ReadonlyArray<Item> =>
  Array.from({ length: Math.floor(script.length / 4) }, (_, i) => {
    const [what = 0, a = 0, b = 0, c = 0] = script.subarray(4 * i, 4 * i + 4)
    return [what, a, b, c]
  })

const frameOf = (kind: number, body: Uint8Array): Uint8Array => {
  const frame = Frame.allocate(kind, body.length)
  frame.set(body, Frame.headerBytes)
  return frame
}

const raw = (message: SyncMessage): Uint8Array => {
  const { body, kind } = SyncMessages.encode(message)
  return frameOf(kind, body)
}

const changed = (bytes: Uint8Array, at: number, to: number): Uint8Array => {
  const copy = bytes.slice()
  if (copy.length > 0) copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ (to | 1)
  return copy
}

/** What an item makes of the honest answer to a question. */
const answerOf = ([what, a, b, c]: Item, honest: SyncMessage): ReadonlyArray<Uint8Array> => {
  const { body, kind } = SyncMessages.encode(honest)
  const at = a * 256 + b
  switch (what % 8) {
    case 0:
    case 1:
    case 2:
      return [raw(honest)]
    case 3:
      return [frameOf(kind, changed(body, at, c))]
    case 4:
      return [frameOf(kind, body.subarray(0, at % (body.length + 1)))]
    case 5:
      return [raw(honest), raw(honest)]
    case 6:
      return "request" in honest ? [raw({ ...honest, request: honest.request + a - 128 })] : []
    default:
      return []
  }
}

/** What an item says unasked. */
const unaskedOf = ([what, a, b, c]: Item): ReadonlyArray<Uint8Array> => {
  const block = liarChain[a % liarChain.length]?.bytes ?? new Uint8Array(0)
  const done = c % 4 === 1
  switch (what % 7) {
    case 0:
      return [raw({ _tag: "Tip", height: done ? a : a * 2 ** 20 + b, hash: changed(devnet.genesisHash, b, c) })]
    case 1:
      return [raw({ _tag: "NewBlock", block: done ? block : changed(block, b * 2, c) })]
    case 2:
      return [
        raw({ _tag: "GetHeaders", request: a, locator: Array.from({ length: b % 64 }, () => devnet.genesisHash) })
      ]
    case 3:
      return [raw({ _tag: "GetBlocks", request: a, from: b, hashes: new Uint8Array(Hash.length * (1 + c)) })]
    case 4:
      return [raw({ _tag: "Headers", request: a, after: devnet.genesisHash, list: block.subarray(0, b), more: done })]
    case 5:
      return [raw({ _tag: "Blocks", request: a, blocks: [block, changed(block, b, c)], done })]
    default:
      // Any kind of the channel, and some that are none.
      return [frameOf(30 + a % 12, Uint8Array.of(b, c, a).subarray(0, b % 4))]
  }
}

/** The liar's side of one connection. Ends when everything unasked is said and the last answer had its time. */
const speak = (raw: RawPeer, script: ReadonlyArray<Item>) =>
  Effect.gen(function*() {
    const answers = script.filter(([, , , c]) => c % 2 === 0)
    yield* Effect.forkScoped(Effect.ignore(Effect.forever(Effect.flatMap(raw.next, (message) => {
      if (message._tag === "Ping") return raw.say({ _tag: "Pong", nonce: message.nonce })
      if (message._tag !== "GetHeaders" && message._tag !== "GetBlocks") return Effect.void
      const item = answers.shift() ?? [0, 0, 0, 0] as const
      const honest = message._tag === "GetHeaders" ? headersOf(liarChain, message) : blocksOf(liarChain, message)
      return Effect.forEach(answerOf(item, honest), raw.bytes, { discard: true })
    }))))
    for (const item of script) {
      if (item[3] % 2 === 1) yield* Effect.forEach(unaskedOf(item), raw.bytes, { discard: true })
      yield* Effect.sleep(item[3] * 4)
    }
  })

const nothing = new Uint8Array(0)

/**
 * A block without what nothing commits to: six fields of its header, attestations and the like, which a peer that passes a block on can change
 * unseen. What its hash and the rules bind is left: the hashed header, the transactions, the rewards.
 */
const committed = (bytes: Uint8Array): Uint8Array => {
  const block = Block.decode(bytes)
  if (Block.isMalformed(block)) return nothing
  const { header } = block
  return Block.encode({
    ...block,
    header: {
      ...header,
      attestationRoot: header.previousHash,
      masternodeTiers: { free: 0, bronze: 0, silver: 0, gold: 0 },
      vrfProof: nothing,
      livenessRecovery: undefined,
      producerSignature: nothing,
      totalFees: header.blockReward
    },
    timeAttestations: [],
    consensusParticipantsBitmap: nothing,
    livenessRecovery: undefined
  })
}

const behind = (height: number, line: string) =>
  new Violation({
    message: `height ${height} beside an honest peer that has had ${honestChain.length} for 3 minutes (${line})`
  })

const program = (script: Uint8Array) =>
  Effect.gen(function*() {
    const network = yield* MemoryNetwork
    let kept: ChainStore["Service"] | undefined
    const node = yield* TestNode.startWithChain(
      network.host(nodeIp),
      store(had, (made) => {
        kept = made
      }),
      { ip: nodeIp }
    )
    const tip = liarChain.at(-1)
    // The liar ranks lower, so it may commit at once.
    const raw = yield* dial(network.host(liarIp), nodeIp)
    yield* raw.say(hello(nodeIp, {
      tipHeight: liarChain.length,
      tipHash: tip?.hash ?? "",
      capabilities: capabilities | Capability.chain
    }))
    yield* raw.until("Hello")
    yield* raw.say({ _tag: "Commit", lower: liarIp, higher: nodeIp })
    yield* raw.until("Ack")
    yield* speak(raw, itemsOf(script))

    const honest = yield* TestNode.startWithChain(network.host(honestIp), store(honestChain), {
      ip: honestIp,
      peers: [PeerAddress.make(nodeIp, networks.devnet.port)]
    })
    const best = honestChain.at(-1)?.hash
    const has = () => node.of("TipChanged").at(-1)?.hash === best
    yield* Await.until("an honest peer's chain", [node], has, "3 minutes").pipe(
      Effect.catch(() => Effect.flatMap(node.sync.report, ({ line, tip }) => Effect.die(behind(tip.height, line))))
    )
    // Longer than any wait for an answer: a timer of the liar's that is left, or meant for another peer, would strike by then.
    yield* Effect.sleep(Limits.stallMostMs)
    const ended = [...node.of("SyncBlamed"), ...node.of("Down")].find(({ ip }) => ip === honestIp)
    ensure(ended === undefined, () => `the honest peer was ${ended?._tag === "Down" ? "lost" : "blamed"}`)
    // Block by block: a wrong one below the tip would go unnoticed.
    const blocks = kept === undefined ? [] : yield* Effect.orDie(kept.blocks(1, honestChain.length, 1 << 30))
    for (const [i, { bytes, height }] of honestChain.entries()) {
      const stored = committed(blocks[i] ?? nothing)
      ensure(same(stored, committed(bytes)), () => `the node keeps another block of height ${height}`)
    }
    yield* raw.close
    yield* honest.stop
    yield* node.stop
  }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))

const runScript = (script: Uint8Array): void => {
  const draw = Seeds.random("fuzz")
  const time = new VirtualTime((below) => Math.floor(draw.nextDoubleUnsafe() * below))
  const problems: Array<string> = []
  const process = new VirtualProcess(time, {
    name: "all",
    seed: "fuzz",
    wallMs: startOfTime,
    rate: 1,
    onLog: (level, message) => {
      if (level === "Error" || level === "Fatal") problems.push(message)
    }
  })
  let exit: Exit.Exit<void, unknown> | undefined
  process.start(program(script), (ended) => {
    exit = ended
  })
  time.runUntil(600_000)
  ensure(exit !== undefined, "the conversation does not end")
  ensure(Exit.isSuccess(exit), () => `it fails: ${String(exit)}`)
  ensure(problems.length === 0, () => `a defect is logged: ${problems[0]}`)
  time.runUntil(time.now + 10_000)
  ensure(process.alarms === 0, () => `${process.alarms} timers are left of stopped nodes`)
  ensure(process.fibers === 0, () => `${process.fibers} fibers are left of stopped nodes`)
}

const script = (seed: number): Uint8Array => {
  const random = randomFrom(seed)
  return Uint8Array.from({ length: 4 * (4 + random(20)) }, (_, i) => i % 4 === 3 ? random(40) : random(256))
}

export const target: Target = {
  name: "sync",
  about: "sequences of damaged sync messages against a real node: no defect, an honest peer's chain, nothing left",
  unit: "an item of a script",
  suffix: "bin",
  mostBytes: 160,
  tokens: Array.from({ length: 16 }, (_, what) => Uint8Array.of(what, 0, 0, 1)),
  seeds: (seed) => Array.from({ length: 12 }, (_, i) => script(seed * 100 + i)),
  mutate: (input, random) => {
    // A whole item changed, so that the others keep their places.
    const at = 4 * random(Math.max(1, input.length >> 2))
    return random(2) === 0
      ? Mutator.concat(
        input.subarray(0, at),
        Uint8Array.of(random(16), random(256), random(256), random(40)),
        input.subarray(at)
      )
      : Mutator.concat(input.subarray(0, at), input.subarray(at + 4))
  },
  run: (input) => {
    runScript(input)
    return 1 + (input.length >> 2)
  }
}
