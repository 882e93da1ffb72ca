/** One set of rules for what a node is made of, whoever made it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as Limits from "../../src/domain/Limits.ts"
import { networks } from "../../src/domain/Network.ts"
import { type NodeSetup, problem } from "../../src/domain/NodeSetup.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as Tuning from "../../src/domain/Tuning.ts"
import * as Settings from "../../src/layers/config/Settings.ts"
import * as Values from "../../src/layers/config/Values.ts"
import * as Node from "../../src/layers/node/Node.ts"
import * as PeerStoreMemory from "../../src/layers/store/PeerStoreMemory.ts"
import { PeerSocket } from "../../src/services/PeerSocket.ts"

const ip = (text: string) => PeerIp.fromStringUnsafe(text)
const cast = (text: string) => text as PeerIp.PeerIp

const good: NodeSetup = {
  network: networks.devnet,
  listen: { ip: ip("10.0.0.1"), port: 24_200 },
  advertise: ip("203.0.113.7"),
  peers: [{ ip: ip("10.0.0.2"), port: 24_200 }, { ip: ip("2001:db8::7"), port: 65_535 }],
  software: "my-app/1.0",
  tuning: Tuning.defaults
}

const tuned = (change: Partial<Tuning.Tuning>): NodeSetup => ({ ...good, tuning: { ...Tuning.defaults, ...change } })
const peer = (address: string, port: number): NodeSetup => ({ ...good, peers: [{ ip: cast(address), port }] })

const bad: ReadonlyArray<readonly [field: string, setup: NodeSetup]> = [
  ["network.name", { ...good, network: { ...good.network, name: "" as "devnet" } }],
  ["network.genesis", { ...good, network: { ...good.network, genesis: good.network.genesis.toUpperCase() } }],
  ["network.port", { ...good, network: { ...good.network, port: 0 } }],
  ["listen.ip", { ...good, listen: { ip: cast("0.0.0.0"), port: 1 } }],
  ["listen.ip", { ...good, listen: { ip: cast("localhost"), port: 1 } }],
  ...[-1, 65_536, 1.5, Number.NaN, Infinity].map((port) =>
    ["listen.port", { ...good, listen: { ...good.listen, port } }] as const
  ),
  ["advertise", { ...good, advertise: ip("224.0.0.1") }],
  ...["fe80::1", "169.254.3.4"].flatMap((address) =>
    [
      ["advertise", { ...good, advertise: ip(address) }],
      ["listen.ip", { ...good, listen: { ip: ip(address), port: 1 } }],
      ["peers[0]", peer(address, 1)]
    ] as const
  ),
  ...[0, -1, 65_536, 1.5, Number.NaN].map((advertisePort) => ["advertisePort", { ...good, advertisePort }] as const),
  ["advertise", { ...good, advertise: cast("::ffff:203.0.113.7") }],
  ...[0, -1, 65_536, 1.5, Number.NaN].map((port) => ["peers[0]", peer("10.0.0.2", port)] as const),
  ...["", "10.0.0.256", "fe80::1%eth0", "2001:DB8::7", "255.255.255.255", "10.0.0.1", "203.0.113.7"].map((address) =>
    ["peers[0]", peer(address, 1)] as const
  ),
  ["peers[1]", { ...good, peers: [{ ip: ip("10.0.0.2"), port: 1 }, { ip: ip("10.0.0.2"), port: 2 }] }],
  ["peers[0]", { ...peer("127.0.0.1", 9), listen: { ip: "any", port: 9 }, advertise: undefined }],
  ["software", { ...good, software: "a".repeat(65) }],
  ["software", { ...good, software: "é".repeat(33) }],
  ["software", { ...good, software: "a\nb" }],
  ["produces", { ...good, network: networks.testnet, produces: true }],
  ...(Object.keys(Tuning.ranges) as ReadonlyArray<keyof Tuning.Tuning>).flatMap((field) => {
    const { least, most } = Tuning.ranges[field]
    return [least - 1, most + 1, least + 0.5, Number.NaN, Infinity, -Infinity].map((value) =>
      [`tuning.${field}`, tuned({ [field]: value })] as const
    )
  }),
  ["tuning.deadMs", tuned({ deadMs: 2 * Limits.pingMs })],
  ["tuning.backoffMaxMs", tuned({ backoffBaseMs: 2_000, backoffMaxMs: 1_999 })]
]

/** A socket that must not be asked for anything. */
const noSocket = Layer.succeed(
  PeerSocket,
  PeerSocket.of({
    dial: () => Effect.die("a dial"),
    listen: () => Effect.die("a listener"),
    addresses: () => []
  })
)

describe("a set-up of a node", () => {
  it("is accepted when it breaks no rule", () => {
    assert.isUndefined(problem(good))
    assert.isUndefined(problem({ ...good, listen: { ip: "any", port: 0 }, advertise: undefined, produces: true }))
    for (const field of Object.keys(Tuning.ranges) as ReadonlyArray<keyof Tuning.Tuning>) {
      const { least } = Tuning.ranges[field]
      // Nothing else may be in the way: the least of these two contradicts another field.
      if (!["deadMs", "backoffMaxMs"].includes(field)) {
        assert.isUndefined(Tuning.problem({ ...Tuning.defaults, [field]: least }), field)
      }
    }
  })

  it("is refused with the field, the value and what to do", () => {
    for (const [field, setup] of bad) {
      const wrong = problem(setup)
      assert.strictEqual(wrong?.field, field, JSON.stringify(setup))
      assert.isNotEmpty(wrong?.problem)
      assert.isNotEmpty(wrong?.fix)
    }
  })

  it.effect("made by code is refused by the node before anything is opened, as a typed error", () =>
    Effect.gen(function*() {
      for (const [field, setup] of bad) {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(
          Node.layer(setup).pipe(Layer.provide([noSocket, PeerStoreMemory.layer()]))
        )))
        assert(error._tag === "NodeSetupError")
        assert.strictEqual(error.field, field)
        assert.include(error.message, `node set-up, ${field}: `)
        assert.isTrue(Schema.is(Schema.String)(error.message) && error.message.length > 20, error.message)
      }
    }))

  it("names at most as many peers as the limit says, and the problem names it", () => {
    const named = (count: number): NodeSetup => ({
      ...good,
      peers: Array.from({ length: count }, (_, i) => ({ ip: ip(`10.7.${i >> 8}.${i & 255}`), port: 1 }))
    })
    assert.isUndefined(problem(named(Limits.configuredPeers)))
    const wrong = problem(named(Limits.configuredPeers + 1))
    assert.deepStrictEqual([wrong?.field, wrong?.input], ["peers", "2049 addresses"])
    assert.include(wrong?.problem, "limit of 2048 configured peers")
    assert.isAtMost(2 * Limits.configuredPeers, Limits.knownPeers, "what is learned has room beside them")
  })

  it("has the ranges that flags have", () => {
    for (const [field, setting] of Object.entries(Settings.tuning)) {
      const { kind, least, most } = Tuning.ranges[field as keyof Tuning.Tuning]
      const text = (value: number) => kind === "duration" ? `${value}ms` : `${value}`
      for (const value of [least, most]) assert.strictEqual(Values.tuningValue(setting, text(value))._tag, "Success")
      for (const value of [least - 1, most + 1]) {
        assert.strictEqual(Values.tuningValue(setting, text(value))._tag, "Failure", `${field} ${value}`)
      }
    }
  })
})
