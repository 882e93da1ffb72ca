/**
 * The pair protocol under arbitrary events, and in a network with faults: `Pair.step` never throws, its promises hold after
 * every step, and once faults are over both ends agree on one socket.
 *
 * An input is a script: its first byte chooses the world, the others what happens. In a network a byte below 128 lets the
 * next thing happen by itself, another is a fault with the byte behind it. Against hostile peers each four bytes are an
 * event. What counts is steps of the reducer.
 */
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import type { EndId, PairEvent, Role, Timer } from "../../../src/domain/pair/PairState.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { randomFrom } from "../../harness/random.ts"
import type { Target } from "../Target.ts"
import { PairNetwork } from "./pairNetwork.ts"
import { PairWatch } from "./pairWatch.ts"
import type { NodeSpec } from "./pairWorld.ts"

const deadMs = Limits.deadMs

const node = (role: Role, targets: ReadonlyArray<number>, knows = true, reaches = true): NodeSpec => ({
  role,
  knows,
  reaches,
  deadMs,
  targets
})

/** Never notices that nobody is there: only the other's new socket can free it. */
const patient = (role: Role, targets: ReadonlyArray<number>): NodeSpec => ({
  ...node(role, targets),
  deadMs: Number.POSITIVE_INFINITY
})

/** Who knows and reaches whom, as in test/model; one side that never notices silence; two processes behind the lower or the higher address. */
const worlds: ReadonlyArray<ReadonlyArray<NodeSpec>> = [
  [node("lower", [1]), node("higher", [0])],
  [node("lower", [1]), node("higher", [0], true, false)],
  [node("lower", [1], true, false), node("higher", [0])],
  [node("lower", [1], false), node("higher", [0])],
  [node("lower", [1]), node("higher", [0], false)],
  [node("lower", [1]), node("higher", [0], false, false)],
  [node("lower", [1], false, false), node("higher", [0])],
  [patient("lower", [1]), node("higher", [0])],
  [node("lower", [1]), patient("higher", [0])],
  [node("lower", [2]), node("lower", [2]), node("higher", [0, 1])],
  [node("higher", [2]), node("higher", [2]), node("lower", [0, 1])]
]

const faultFrom = 128

const inNetwork = (specs: ReadonlyArray<NodeSpec>, script: Uint8Array): number => {
  const network = new PairNetwork(specs)
  for (let at = 0; at < script.length; at++) {
    const byte = script[at] ?? 0
    if (byte < faultFrom) network.next()
    else network.fault(byte - faultFrom, script[++at] ?? 0)
  }
  network.settle()
  return network.steps
}

// --- arbitrary events ---------------------------------------------------------------

const ofEnd: ReadonlyArray<Timer["kind"]> = ["hello", "commit", "wait"]
const ofPair: ReadonlyArray<Timer["kind"]> = ["probe", "quiet", "spacing", "grace", "redial"]
const selves = ["10.0.0.1", "10.0.9.1", "2001:db8::7"].map(PeerIp.fromStringUnsafe)
const roles: ReadonlyArray<Role> = ["lower", "higher"]
const closings = (["eof", "reset", "silent", "bad-frame", "outbox-full"] as const).map((kind) =>
  DisconnectReason.remote(kind)
)

const at = <A>(list: ReadonlyArray<A>, n: number): A => {
  const found = list[n % list.length]
  if (found === undefined) throw new Error("an empty list")
  return found
}

/** Events of valid types, whatever came before: what a hostile peer and a broken driver could make of it. */
const fromBytes = (watch: PairWatch, fresh: EndId, kind: number, which: number, arg: number): PairEvent => {
  const { ends } = watch.state
  const end = ends.length === 0 || which >= 240 ? which % (fresh + 1) : at(ends, which).id
  const probe = watch.state.probe
  const nonce = probe !== undefined && arg % 4 > 0 ? probe.nonce : BigInt(arg)
  switch (kind % 24) {
    case 0:
      return { _tag: "Learned", rank: arg % 3 === 2 ? undefined : at(roles, arg) }
    case 1:
      return { _tag: "Forgotten" }
    case 2:
      return arg % 2 === 0 ? { _tag: "Freed" } : { _tag: "Merged", end, detail: "" }
    case 3:
    case 4:
    case 5:
      return { _tag: "Accepted", end: fresh }
    case 6:
      return { _tag: "Connected", end }
    case 7:
      return { _tag: "DialFailed", end, detail: "" }
    case 8:
    case 9:
    case 10:
      return {
        _tag: "Welcomed",
        end,
        role: at(roles, arg),
        tag: `p${(arg >> 1) % 3}`,
        process: `p${(arg >> 2) % 3}`,
        self: at(selves, arg >> 3),
        order: arg % 5 === 0 ? undefined : (arg >> 5) + 1,
        listens: (arg & 64) === 0
      }
    case 11:
      return { _tag: "Refused", end, reject: at(DisconnectReason.rejectReasons, arg), detail: "", retryMs: 40 * arg }
    case 12:
    case 13:
      return { _tag: "CommitReceived", end }
    case 14:
    case 15:
      return { _tag: "AckReceived", end }
    case 16:
      return {
        _tag: "RejectReceived",
        end,
        reject: at(DisconnectReason.rejectReasons, arg),
        detail: "",
        retryMs: 40 * arg
      }
    case 17:
      return { _tag: "PongReceived", end: probe !== undefined && arg % 2 === 0 ? probe.end : end, nonce }
    case 18:
      return { _tag: "Heard", end: probe !== undefined && arg % 2 === 0 ? probe.end : end }
    case 19:
      return { _tag: "Flushed", end: probe?.end ?? end, nonce, rttMs: arg % 5 === 0 ? undefined : arg * 20 }
    case 20:
      return { _tag: "Closed", end, reason: at(closings, arg) }
    case 21: {
      const running = [...watch.timers.values()]
      return { _tag: "Fired", timer: running.length === 0 ? { kind: "redial", end: 0 } : at(running, arg) }
    }
    case 22:
      return { _tag: "Fired", timer: arg % 2 === 0 ? { kind: at(ofEnd, arg), end } : { kind: at(ofPair, arg), end: 0 } }
    default:
      return {
        _tag: "Stopped",
        reject: at(DisconnectReason.rejectReasons, which),
        detail: "",
        retryMs: arg % 3 === 0 ? undefined : 100 * arg
      }
  }
}

const amongAny = (script: Uint8Array): number => {
  const watch = new PairWatch()
  let id = 0
  for (let i = 0; i + 2 < script.length; i += 3) {
    id += 2
    const event = fromBytes(watch, id - 1, script[i] ?? 0, script[i + 1] ?? 0, script[i + 2] ?? 0)
    watch.step(event, { id, nonce: BigInt(1_000 + id), backoffMs: (i * 37) % 5_000, fallbackMs: 3_000 })
  }
  return Math.floor(script.length / 3)
}

const script = (seed: number): Uint8Array => {
  const random = randomFrom(seed)
  const bytes = Uint8Array.from({ length: 1 + random(160) }, () => random(3) === 0 ? random(256) : random(faultFrom))
  bytes[0] = seed
  return bytes
}

export const target: Target = {
  name: "handshake",
  about:
    "the pair reducer under any events, and in networks of 2 or 3 nodes with faults and time jumps: agreement at rest",
  unit: "a step of the reducer",
  suffix: "bin",
  mostBytes: 400,
  tokens: [Uint8Array.of(131, 0), Uint8Array.of(131, 1), Uint8Array.of(130, 0), new Uint8Array(20)],
  seeds: (seed) => Array.from({ length: 60 }, (_, i) => script(seed * 60 + i)),
  mutate: (input, random) => input.length > 0 && random(4) === 0 ? input.with(0, random(256)) : undefined,
  run: (input) => {
    const world = input[0] ?? 0
    const script = input.subarray(1)
    // Half of the inputs are about hostile peers.
    const specs = world % 2 === 0 ? undefined : worlds[(world >> 1) % worlds.length]
    return Math.max(1, specs === undefined ? amongAny(script) : inNetwork(specs, script))
  }
}
