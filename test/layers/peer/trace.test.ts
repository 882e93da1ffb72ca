/** Traces of real nodes: of the race of two dials, of a wrong rule, and of nothing but messages. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Random, Result } from "effect"
import { TestClock } from "effect/testing"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import * as PairRules from "../../../src/domain/pair/PairRules.ts"
import * as PairStory from "../../../src/domain/pair/PairStory.ts"
import * as PairTrace from "../../../src/domain/pair/PairTrace.ts"
import * as PairTraceFile from "../../../src/domain/pair/PairTraceFile.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import { protocolRules } from "../../../src/services/NodeRules.ts"
import * as Mutant from "../../../src/simulation/Mutant.ts"
import { assertConnected, ip, onMesh, port, type Running } from "../../harness/mesh.ts"
import { dial, hello, join } from "../../harness/rawPeer.ts"

const L = "10.0.0.1"
const H = "10.0.0.2"

const traceOf = (node: Running, peer: string) => Effect.map(node.state.trace(ip(peer)), Option.getOrThrow)

/** Through the file that `timemesh trace --json` makes. */
const reread = (trace: PairTrace.PairTrace) =>
  Result.getOrThrow(PairTraceFile.fromJson(JSON.parse(JSON.stringify(PairTraceFile.toJson(PairTraceFile.of(trace))))))

describe("trace", () => {
  it.effect("of two dials that cross: both ends tell how one of them won, and replay alike", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const tuning = { fallbackFirstMs: 500, fallbackFirstJitterMs: 0 }
        const l = yield* start(L, { listen: "any", peers: [H], tuning })
        const h = yield* start(H, { listen: "any", peers: [L], tuning })
        yield* TestClock.adjust("10 seconds")
        yield* assertConnected(l, L, h, H)
        const [atL, atH] = [yield* traceOf(l, H), yield* traceOf(h, L)]
        const [storyL, storyH] = [PairStory.lines(atL).join("\n"), PairStory.lines(atH).join("\n")]
        // Both dialled, and both dials arrived.
        for (const story of [storyL, storyH]) {
          assert.match(story, /dials, as #\d/)
          assert.match(story, /#\d+ came in/)
        }
        assert.match(storyL, /holds #2 while its own dial #1 is in flight \[L1\]\n/)
        assert.match(storyL, /of two dials that are held, gives up #2 for #1 \[L1\]\n/)
        assert.match(storyL, /chooses #1: no other end is the connection \[L1\]\n/)
        assert.match(storyH, /waits for the peer to choose #\d+ \[H1\]\n/)
        assert.match(storyH, /gives up #1, because #2 becomes the connection \[4\]/)
        assert.match(storyL, /is the connection: the peer acknowledged it \[4\]\n +> UP #\d+/)
        assert.match(storyH, /accepts #\d+: the peer chose it, and no other end is the connection \[H2\]/)
        assert.match(storyL, /now: #\d+ \w+, up as the lower$/)
        assert.match(storyH, /now: #\d+ \w+, up as the higher$/)
        for (const trace of [atL, atH]) {
          assert.strictEqual(trace.earlier, 0)
          assert.deepStrictEqual(PairTrace.replay(reread(trace)), [])
        }
        const first = atL.steps[0]
        assert(first !== undefined)
        assert.approximately(atL.at - first.at, 10_000, 100)
      })).pipe(Random.withSeed("trace")))

  it.effect("of a node with a wrong rule shows the rule that decided, and what the protocol's would have done", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const l = yield* start(L).pipe(Effect.provide(Mutant.layer("keep-oldest")))
        const raw = network.host(ip(H))
        yield* join(raw, ip(L))
        // The process behind H vanished; two more come, and neither end of the first answers.
        for (const process of ["11", "22"]) {
          const challenger = yield* dial(raw, ip(L))
          yield* Effect.forkChild(
            challenger.say(hello(ip(L), { process: process.repeat(8), tag: process.repeat(16) }))
          )
          yield* TestClock.adjust("100 millis")
        }
        const trace = reread(yield* traceOf(l, H))
        const differences = PairTrace.replay(trace)
        assert.strictEqual(differences.length, 1)
        const text = PairStory.verdict(trace, differences).join("\n")
        assert.include(text, `this version differs in 1 of the ${trace.steps.length} steps`)
        assert.match(
          text,
          /then - of two challengers, gives up #3 for #2 \[L2; its rule says keep = oldest, the protocol's keep = newest\]/
        )
        assert.match(text, /now {2}- of two challengers, gives up #2 for #3 \[L2\]/)
        assert.deepStrictEqual(
          PairTrace.replay(trace, Pair.make({ ...PairRules.production, keep: "oldest" })),
          [],
          "its own rules decide as they did"
        )
      })))

  it.effect("has no step for messages, pings and pongs", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const l = yield* start(L, { peers: [H] })
        const h = yield* start(H)
        yield* h.manager.receive(7, () => {}).pipe(Effect.forkScoped)
        yield* TestClock.adjust("5 seconds")
        yield* assertConnected(l, L, h, H)
        const before = (yield* traceOf(l, H)).steps
        for (let i = 0; i < 1_000; i++) yield* l.manager.broadcast(7, new Uint8Array(100))
        yield* TestClock.adjust("10 minutes")
        assert.isAbove(l.of("PongReceived").length, 30)
        const { earlier, steps } = yield* traceOf(l, H)
        assert.deepStrictEqual([earlier, steps.slice(0, before.length)], [0, before])
        // A node asks now and then whether it is reached where peers see it: that is a socket of its own.
        const others = steps.slice(before.length).filter(({ event }) => !("end" in event) || event.end === 1)
        assert.deepStrictEqual(others, [])
      })))

  it.effect("outlives the row of a peer, and an address without a step has none", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const l = yield* start(L)
        const stranger = yield* dial(network.host(ip("10.0.0.9")), ip(L))
        yield* TestClock.adjust("1 second")
        yield* stranger.close
        yield* TestClock.adjust("10 seconds")
        assert.isTrue(Option.isNone(yield* l.state.peer(ip("10.0.0.9"))))
        const story = PairStory.lines(yield* traceOf(l, "10.0.0.9")).join("\n")
        assert.match(story, /#1 came in\n[^]*#1 closed \([^]*now: no end$/)
        assert.isTrue(Option.isNone(yield* l.state.trace(ip("10.0.0.8"))))
        yield* l.manager.connect(PeerAddress.make(ip("10.0.0.8"), port))
        assert.isTrue(Option.isSome(yield* l.state.trace(ip("10.0.0.8"))))
      })))

  it("is told by the rules of the node", () => assert.strictEqual(protocolRules.pairStep, Pair.step))
})
