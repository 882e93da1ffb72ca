/**
 * Our own event loop stands still on real TCP and TLS (a long collection, a big transaction, a suspended machine) while what the peer sent lies
 * unread in the kernel: no deadline blames the peer before that is read. In every phase of a pair, for two lengths, once and twice.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer } from "effect"
import { Worker } from "node:worker_threads"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import type { NodeEvent } from "../../../src/domain/NodeEvent.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as Node from "../../../src/layers/node/Node.ts"
import { makeCertificate } from "../../../src/layers/socket/makeCertificate.ts"
import * as TcpSocket from "../../../src/layers/socket/TcpSocket.ts"
import * as TlsSocket from "../../../src/layers/socket/TlsSocket.ts"
import * as PeerStoreMemory from "../../../src/layers/store/PeerStoreMemory.ts"
import * as PinsMemory from "../../../src/layers/store/PinsMemory.ts"
import { ConnectionManager } from "../../../src/services/ConnectionManager.ts"
import { NodeCertificate } from "../../../src/services/NodeCertificate.ts"
import { defaultTuning, type NodeSetup } from "../../../src/services/NodeConfig.ts"
import { NodeEvents } from "../../../src/services/NodeEvents.ts"
import type { StallScript } from "../../harness/stallingThread.ts"

interface Phase {
  readonly name: string
  /** The node's place in the pair. */
  readonly node: "lower" | "higher"
  readonly script: Pick<StallScript, "dials" | "hold" | "otherProcess">
  /** What the peer must have seen at the end. */
  readonly sees: ReadonlyArray<string>
}

const phases: ReadonlyArray<Phase> = [
  {
    name: "a dial of ours, connected in the kernel",
    node: "lower",
    script: { dials: false, hold: "nothing", otherProcess: false },
    sees: ["first up"]
  },
  {
    name: "the peer's Hello on our dial",
    node: "higher",
    script: { dials: false, hold: "Hello", otherProcess: false },
    sees: ["first up"]
  },
  {
    name: "the peer's Hello on its dial",
    node: "lower",
    script: { dials: true, hold: "Hello", otherProcess: false },
    sees: ["first up"]
  },
  {
    name: "Ack after our Commit",
    node: "lower",
    script: { dials: true, hold: "Ack", otherProcess: false },
    sees: []
  },
  {
    name: "the answer to a challenge, at L",
    node: "lower",
    script: { dials: true, hold: "Pong", otherProcess: false },
    sees: ["first up", "second rejected: duplicate"]
  },
  {
    name: "the answer to a challenge, at H with a Commit held",
    node: "higher",
    script: { dials: true, hold: "Pong", otherProcess: true },
    sees: ["first up", "second rejected: in-use"]
  }
]

/** H waits for a Commit much longer than anything else takes: this one stands still late in that wait. */
const commitPhase: Phase = {
  name: "the peer's Commit, which H waits for",
  node: "higher",
  script: { dials: true, hold: "Commit", otherProcess: false },
  sees: ["first up"]
}
/** ms. How long before the end of that wait the loop stops. Shorter than the stall. */
const beforeEndMs = 2_000

/** Stands still, as a long synchronous task does. */
const stand = (stalls: Int32Array, ms: number): void => {
  Atomics.add(stalls, 0, 1)
  Atomics.notify(stalls, 0)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

type Transport = "tcp" | "tls"

const [ours, theirs] = await Promise.all([makeCertificate(), makeCertificate()])

const sockets = {
  tcp: TcpSocket.layer,
  tls: TlsSocket.layer({ acceptPlain: false }).pipe(
    Layer.provide([Layer.succeed(NodeCertificate, ours), PinsMemory.layer()])
  )
}

/** One node and one peer in their phase. Every pair has addresses of its own. */
const start = Effect.fnUntraced(function*([phase, answerAt, transport]: Case, index: number, stalls: Int32Array) {
  const [low, high] = [`127.31.${index}.1`, `127.31.${index}.2`]
  const [nodeIp, peerIp] = phase.node === "lower" ? [low, high] : [high, low]
  const setup: NodeSetup = {
    network: networks.devnet,
    listen: { ip: PeerIp.fromStringUnsafe(nodeIp), port: 0 },
    advertise: undefined,
    peers: [],
    software: "test",
    tuning: defaultTuning
  }
  const context = yield* Layer.buildWithMemoMap(
    Node.layer(setup).pipe(Layer.provide([Layer.fresh(sockets[transport]), PeerStoreMemory.layer()])),
    Layer.makeMemoMapUnsafe(),
    yield* Effect.scope
  )
  const manager = Context.get(context, ConnectionManager)
  const events: Array<NodeEvent> = []
  const seen: Array<string> = []
  const ready = yield* Deferred.make<void>()
  const done = yield* Deferred.make<void>()
  const firstUp = yield* Deferred.make<void>()
  const listens = yield* Deferred.make<number>()
  const check = () => {
    const isUp = events.some((event) => event._tag === "Up")
    if (isUp && phase.sees.every((what) => seen.includes(what))) Deferred.doneUnsafe(done, Effect.void)
  }
  yield* Context.get(context, NodeEvents).listen((event) => {
    events.push(event)
    if (event._tag === "Up") queueMicrotask(check)
  })
  const script: StallScript = {
    ...phase.script,
    tls: transport === "tls" ? theirs : undefined,
    ip: peerIp,
    node: { ip: nodeIp, port: manager.address.port },
    role: phase.node === "lower" ? "higher" : "lower",
    answerAt
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const thread = new Worker(new URL("../../harness/stallingThread.ts", import.meta.url), {
        workerData: { script, stalls: stalls.buffer }
      })
      thread.on("message", (what: string | { readonly port: number }) => {
        if (typeof what !== "string") return Deferred.doneUnsafe(listens, Effect.succeed(what.port))
        seen.push(what)
        if (what === "hold") Deferred.doneUnsafe(ready, Effect.void)
        if (what === "first up") Deferred.doneUnsafe(firstUp, Effect.void)
        check()
      })
      return thread
    }),
    (thread) => Effect.promise(() => thread.terminate())
  )
  const connect = phase.script.dials ? Effect.void : Effect.flatMap(
    Deferred.await(listens),
    (port) => manager.connect(PeerAddress.make(PeerIp.fromStringUnsafe(peerIp), port))
  )
  if (phase.script.hold !== "nothing") {
    yield* connect
    yield* Deferred.await(phase.script.hold === "Pong" ? firstUp : ready)
  } else yield* Deferred.await(listens)
  return { name: `${phase.name}, ${transport}`, phase, connect, events, seen, done, ready }
})

/** A phase, at which stall the peer's answer comes, and over what. */
type Case = readonly [phase: Phase, answerAt: number, transport: Transport]

/** All cases at once, on one event loop, which stops `afterMs` after all of them are in their phase. */
const run = (cases: ReadonlyArray<Case>, stallMs: number, times: number, afterMs = 0) =>
  Effect.gen(function*() {
    const stalls = new Int32Array(new SharedArrayBuffer(8))
    const pairs = yield* Effect.forEach(cases, (one, i) => start(one, i, stalls), {
      concurrency: "unbounded"
    })
    Atomics.store(stalls, 1, 1)
    Atomics.notify(stalls, 1)
    for (const { phase, ready } of pairs) if (phase.script.hold === "Pong") yield* Deferred.await(ready)
    const dials = pairs.filter(({ phase }) => phase.script.hold === "nothing")
    for (const { connect } of dials) yield* connect
    // A dial that is due goes out within the jitter of a first contact: the loop stops in the turn that dials.
    yield* Effect.promise(() =>
      new Promise<void>((resolve) => {
        const look = () => {
          const isDialling = dials.every(({ events }) => events.some((event) => event._tag === "Dialling"))
          if (isDialling) resolve()
          else setImmediate(look)
        }
        look()
      })
    )
    if (afterMs > 0) yield* Effect.sleep(afterMs)
    stand(stalls, stallMs)
    // Between two stalls the loop runs for a moment, and reads what there is.
    if (times === 2) {
      yield* Effect.sleep(30)
      stand(stalls, stallMs)
    }
    for (const { done, events, name, phase, seen } of pairs) {
      const tell = () => `${name}: ${JSON.stringify([seen, events.map((event) => event._tag)])}`
      yield* Effect.timeoutOrElse(Deferred.await(done), {
        duration: 2 * times * stallMs + 10_000,
        orElse: () => Effect.die(new Error(`not up: ${tell()}`))
      })
      // Nothing was blamed on the peer, and no attempt was made beside those of the phase.
      const blamed = events.filter((event) => event._tag === "Down" || event._tag === "DialFailed")
      assert.deepStrictEqual(blamed, [], tell())
      const refused = events.flatMap((event) => event._tag === "Refused" ? [event.reason.reject] : [])
      const challenged = phase.script.hold === "Pong"
      assert.deepStrictEqual(refused, challenged ? [phase.script.otherProcess ? "in-use" : "duplicate"] : [], tell())
      assert.strictEqual(events.filter((event) => event._tag === "Up").length, 1, tell())
      assert.isFalse(seen.includes("first closed"), tell())
    }
  }).pipe(Effect.scoped)

describe("our own event loop stands still in every phase of a pair", () => {
  for (const stallMs of [2_300, 5_600]) {
    for (const times of [1, 2]) {
      const cases = phases.flatMap((phase): ReadonlyArray<Case> => [[phase, times, "tcp"], [phase, times, "tls"]])
      it.live(`for ${stallMs} ms, ${times === 1 ? "once" : "twice in a row"}`, () => run(cases, stallMs, times), 60_000)
    }
  }

  it.live(
    "over the end of H's wait for a Commit, which comes during the first stall or only during the second",
    () =>
      run(
        [[commitPhase, 1, "tcp"], [commitPhase, 2, "tcp"], [commitPhase, 1, "tls"], [commitPhase, 2, "tls"]],
        5_600,
        2,
        Limits.waitMs - beforeEndMs
      ),
    120_000
  )
})
