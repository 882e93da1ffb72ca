/** Masternodes of the TIME network, as a node's registry has them from what its daemons say. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect } from "effect"
import { TestClock } from "effect/testing"
import type { ListedMasternode, Message } from "../../../src/domain/wire/time/TimeMessage.ts"
import { Masternodes } from "../../../src/services/Masternodes.ts"
import type { TestNode } from "../../../src/testing/index.ts"
import { ip } from "../../harness/mesh.ts"
import * as rawTime from "../../harness/timed/rawTime.ts"
import { onTimeMesh } from "../../harness/timed/timeMesh.ts"

const shared = (address: string) => ({
  address,
  rewardAddress: "TIME0reward",
  tier: "Free" as const,
  publicKey: new Uint8Array(32).fill(7)
})
const announcement = (address: string): Message<"MasternodeAnnouncementV2"> => ({
  _tag: "MasternodeAnnouncementV2",
  ...shared(address),
  collateral: undefined
})
const entry = (address: string): ListedMasternode => ({ ...shared(address), collateral: undefined, registeredAt: 0n })

const rowsOf = (node: TestNode.TestNode) =>
  Effect.map(
    Context.getUnsafe(node.services as unknown as Context.Context<Masternodes>, Masternodes).report,
    ({ masternodes }) => masternodes.map(({ ip, proof, state }) => `${ip} ${state} ${proof}`)
  )

describe("what daemons say of masternodes", () => {
  it.effect("is in the registry, as far as it is proven: told, announced, live by three netgroups' reports", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node("10.0.0.1", { masternodes: true })
        const first = yield* rawTime.up("10.0.0.9", ours.ip)
        yield* first.say({ _tag: "MasternodesResponse", masternodes: [entry("10.0.7.7"), entry("127.0.0.1")] })
        yield* first.say({ ...announcement("10.0.8.8"), _tag: "MasternodeAnnouncementV2" })
        yield* TestClock.adjust(100)
        assert.deepStrictEqual(yield* rowsOf(ours), ["10.0.7.7 known told", "10.0.8.8 known told"])
        // From its own IP.
        yield* first.say(announcement("10.0.0.9"))
        yield* TestClock.adjust(100)
        const rows = ["10.0.7.7 known told", "10.0.8.8 known told"]
        assert.deepStrictEqual(yield* rowsOf(ours), ["10.0.0.9 live announced", ...rows])
        const seen: Message<"MasternodeStatusGossip"> = {
          _tag: "MasternodeStatusGossip",
          // Whoever it says it is: the connection shows who reports.
          reporter: "10.0.0.250",
          visible: ["10.0.7.7"],
          timestamp: 0n
        }
        yield* first.say(seen)
        yield* (yield* rawTime.up("10.10.0.9", ours.ip)).say(seen)
        yield* TestClock.adjust(100)
        assert.deepStrictEqual(yield* rowsOf(ours), ["10.0.0.9 live announced", ...rows], "two are not enough")
        const third = yield* rawTime.up("10.11.0.9", ours.ip)
        yield* third.say(seen)
        yield* TestClock.adjust(100)
        assert.include(yield* rowsOf(ours), "10.0.7.7 live told")
        yield* third.say({ _tag: "MasternodeInactive", address: "10.0.7.7", timestamp: 0n })
        yield* TestClock.adjust(100)
        assert.include(yield* rowsOf(ours), "10.0.7.7 known told")
      })))

  it.effect("that says it is one is live no more when its connection ends", () =>
    onTimeMesh(5, ({ mesh, node }) =>
      Effect.gen(function*() {
        const ours = yield* node("10.0.0.1", { masternodes: true })
        yield* (yield* rawTime.up("10.0.0.9", ours.ip)).say(announcement("10.0.0.9"))
        yield* TestClock.adjust(100)
        assert.deepStrictEqual(yield* rowsOf(ours), ["10.0.0.9 live announced"])
        yield* mesh.network.reset(ip("10.0.0.9"), ip(ours.ip))
        yield* TestClock.adjust(1_000)
        assert.deepStrictEqual(yield* rowsOf(ours), ["10.0.0.9 known announced"])
      })))
})
