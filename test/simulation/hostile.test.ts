/**
 * Hostile peers against real nodes: two honest nodes stay connected with each other, in sync and blameless whatever a hostile peer
 * does to one of them, and each kind of hostile peer really gets to what it is about.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import * as Limits from "../../src/domain/Limits.ts"
import { networks } from "../../src/domain/Network.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import * as PeerIps from "../../src/domain/peer/PeerIp.ts"
import type { PeerSocket } from "../../src/services/PeerSocket.ts"
import * as misbehave from "../../src/simulation/hostile/misbehave.ts"
import { hostilities } from "../../src/simulation/plan/Fault.ts"
import * as SimulationLimits from "../../src/simulation/plan/Limits.ts"
import { assertConnected, downs, ip, onMesh, port, type Running } from "../harness/mesh.ts"
import { make as makeChain, startOfTime } from "../harness/syntheticChain.ts"

const target = "10.0.0.5"
const friend = "10.0.0.9"
const minutes = 6

/** What a hostile peer left behind after one siege. */
interface Outcome {
  readonly node: Running
  readonly hostile: PeerIp
  /** `Down` or `Refused`, the reason's label, its particulars. */
  readonly ends: ReadonlyArray<string>
  readonly mostRows: number
  /** Of the hostile peer: attempts and candidates under way, seen every second. */
  readonly mostAttempts: number
  readonly written: { readonly bytes: number; readonly writes: number; readonly dials: number }
}

/** The hostile peer's sockets, with what goes through those it dials counted. */
const counted = (sockets: PeerSocket["Service"]) => {
  const written = { bytes: 0, writes: 0, dials: 0 }
  const counting: PeerSocket["Service"] = {
    ...sockets,
    dial: (to, options) =>
      Effect.map(sockets.dial(to, options), ({ local, secured, socket }) => {
        written.dials += 1
        const writer = Effect.map(socket.writer, (writer) => ({
          ...writer,
          write: (chunk: Parameters<typeof writer.write>[0]) =>
            Effect.suspend(() => {
              written.writes += 1
              if (chunk instanceof Uint8Array) written.bytes += chunk.length
              return writer.write(chunk)
            })
        }))
        return { local, secured, socket: { ...socket, writer } }
      })
  }
  return { counting, written }
}

const siege = (how: misbehave.Misbehaviour, seed: number) =>
  onMesh(20, ({ network, start }) =>
    Effect.gen(function*() {
      yield* TestClock.setTime(startOfTime)
      const chain = yield* makeChain(30)
      const node = yield* start(target, { chain, peers: [friend] })
      const other = yield* start(friend, { chain })
      yield* TestClock.adjust("10 seconds")
      yield* assertConnected(node, target, other, friend)
      // Above the target in rank, and below.
      const hostile = ip(seed % 2 === 0 ? "10.9.0.7" : "10.0.0.2")
      const { counting, written } = counted(network.host(hostile))
      const fiber = yield* Effect.forkChild(
        misbehave.run(how, {
          sockets: counting,
          own: hostile,
          target: PeerAddress.make(ip(target), port),
          network: networks.devnet
        }).pipe(Random.withSeed(`hostile ${how} ${seed}`))
      )
      let [mostRows, mostAttempts] = [0, 0]
      for (let second = 0; second < minutes * 60; second++) {
        yield* TestClock.adjust("1 second")
        const row = yield* node.state.peer(hostile)
        if (row._tag === "Some") mostAttempts = Math.max(mostAttempts, row.value.attempts)
        if (second % 30 === 0) mostRows = Math.max(mostRows, (yield* node.state.peers).length)
        assert.strictEqual(fiber.pollUnsafe(), undefined, "the hostile peer is still running")
      }
      yield* assertConnected(node, target, other, friend)
      for (const [at, peer] of [[node, friend], [other, target]] as const) {
        assert.deepStrictEqual(downs(at, peer), [], `${peer} stays connected`)
        assert.deepStrictEqual([at.of("SyncBlamed", peer), at.of("Offence", peer)], [[], []], `${peer} is honest`)
        assert.strictEqual((yield* at.sync.report).tip.hash, chain.at(-1)?.hash, "the chain is what it was")
      }
      yield* Fiber.interrupt(fiber)
      const ends = [...node.of("Down", hostile), ...node.of("Refused", hostile)].map(({ _tag, reason }) =>
        `${_tag} ${DisconnectReason.label(reason)} ${reason.detail ?? ""}`
      )
      const outcome: Outcome = { node, hostile, ends, mostRows, mostAttempts, written }
      return outcome
    })).pipe(Random.withSeed(`${how} ${seed}`))

/** Something ended for each of these. */
const assertEnds = (outcomes: ReadonlyArray<Outcome>, ...patterns: ReadonlyArray<RegExp>) => {
  const all = outcomes.flatMap(({ ends }) => ends)
  for (const pattern of patterns) {
    assert(all.some((end) => pattern.test(end)), `${pattern} is among:\n${[...new Set(all)].join("\n")}`)
  }
}

const ups = ({ node, hostile }: Outcome) => node.of("Up", hostile).length

/** In the order of kinds: how many seeds, and what shows that they got to what they are about. */
const expected: Readonly<
  Record<misbehave.Misbehaviour, readonly [seeds: number, judge: (outcomes: ReadonlyArray<Outcome>) => void]>
> = {
  garbage: [3, (outcomes) => {
    for (const outcome of outcomes) assert.isAtLeast(ups(outcome), 5, "after Up too")
    assertEnds(
      outcomes,
      /^Refused bad-frame frame length/,
      /^Refused bad-frame kind 1:/,
      /^Refused protocol .* before the connection is up/,
      /^Down bad-frame frame length/,
      /^Down bad-frame kind (16|17|32|33|34|35|36|37):/
    )
  }],
  oversize: [6, (outcomes) => {
    assertEnds(
      outcomes,
      new RegExp(`^Refused bad-frame frame length \\d+ exceeds limit ${Limits.frameBeforeUpBytes}`),
      new RegExp(`^Down bad-frame frame length \\d+ exceeds limit ${Limits.frameBytes}`),
      /^Down bad-frame kind/,
      /^Down silent frame not complete/
    )
  }],
  "half-open": [6, (outcomes) => {
    // The node allows a peer so many ends, whatever it opens.
    for (const { mostAttempts } of outcomes) assert.isAtMost(mostAttempts, Limits.endsPerPair)
    assert.strictEqual(Math.max(...outcomes.map(({ mostAttempts }) => mostAttempts)), Limits.endsPerPair)
    assert.isAtLeast(Math.max(...outcomes.map(({ written }) => written.dials)), Limits.endsWithoutHello)
    assertEnds(outcomes, /^Refused hello-timeout/, /^Refused no-(ack|commit)/, /^Down silent no byte/)
  }],
  stall: [6, (outcomes) => {
    for (const outcome of outcomes) assert.isAtLeast(ups(outcome), 3)
    assertEnds(
      outcomes,
      /^Refused hello-timeout/,
      /^Refused no-commit/,
      /^Refused no-ack/,
      /^Refused protocol Commit names the pair/,
      /^(Refused|Down) protocol second Hello/,
      /^(Refused|Down) protocol unexpected (Ack|Commit)/
    )
  }],
  liar: [12, (outcomes) => {
    for (const outcome of outcomes) assert.isAtLeast(ups(outcome), 3)
    const faults = outcomes.flatMap(({ node, hostile }) => node.of("SyncBlamed", hostile).map(({ fault }) => fault))
    for (const fault of ["inflated-height", "bad-header", "empty-headers", "bad-block", "protocol"] as const) {
      assert.include(faults, fault)
    }
    assert.isTrue(
      outcomes.some(({ node, hostile }) => node.of("Up", hostile).some(({ direction }) => direction === "outbound")),
      "it takes connections as well"
    )
  }],
  drip: [2, (outcomes) => {
    for (const outcome of outcomes) assert.isAtLeast(ups(outcome), 3, "it comes back")
    assertEnds(outcomes, /^Down protocol stalled: no whole block or header list in 5 waits, only bytes/)
  }],
  withhold: [2, (outcomes) => {
    for (const outcome of outcomes) assert.isAtLeast(ups(outcome), 3, "it comes back")
    assertEnds(outcomes, /^Down protocol withheld: left 3 requests in a row without an answer/)
  }],
  claim: [2, (outcomes) => {
    for (const outcome of outcomes) assert.isAtLeast(ups(outcome), 20, "it comes back for ever")
  }],
  spam: [2, (outcomes) => {
    // The honest peer, the hostile one, and what the node takes from one teller.
    const most = 2 + Limits.newAddresses + minutes * 60 * Limits.newAddressesPerSecond
    for (const { mostRows, node } of outcomes) {
      assert.isAtMost(mostRows, most)
      const learned = node.of("PeerLearned")
      assert.isTrue(learned.every(({ ip }) => PeerIps.classOf(ip) !== "special" && PeerIps.classOf(ip) !== "loopback"))
      assert.isFalse(learned.some(({ ip }) => ip === target))
    }
    assert.isAtLeast(Math.max(...outcomes.map(({ mostRows }) => mostRows)), Limits.newAddresses, "all it takes at once")
    assertEnds(outcomes, /^Down bad-frame kind 17: port/)
  }]
}

const kinds = hostilities.filter((how) => how !== "foreign")

describe("hostile peers", () => {
  for (const how of kinds) {
    const [seeds, judge] = expected[how]
    it.effect(`${how}: ${seeds} times ${minutes} minutes`, () =>
      Effect.gen(function*() {
        const outcomes = yield* Effect.forEach(Array.from({ length: seeds }, (_, i) => i + 1), (seed) =>
          Effect.tapCause(siege(how, seed), () => Effect.logError(`seed ${how} ${seed}`)))
        judge(outcomes)
        for (const { written } of outcomes) {
          const seconds = minutes * 60 + SimulationLimits.hostileBurstMs / 1_000
          assert.isAtMost(written.bytes, seconds * SimulationLimits.hostileBytesPerSecond)
          assert.isAtMost(written.dials, seconds * SimulationLimits.hostileFramesPerSecond)
        }
      }))
  }

  it.effect("the same seed does the same again", () =>
    Effect.gen(function*() {
      const [first, again, another] = yield* Effect.forEach([1, 1, 2], (seed) => siege("stall", seed))
      const told = (outcome: Outcome | undefined) => [outcome?.ends, outcome?.written]
      assert.deepStrictEqual(told(again), told(first))
      assert.notDeepEqual(told(another), told(first))
    }))
})
