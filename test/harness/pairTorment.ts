/** Long histories of one pair under any rules: seeded events that fit the state, and some that do not. */
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import * as Pair from "../../src/domain/pair/Pair.ts"
import type { Draw, EndId, PairEvent, PairState, Role } from "../../src/domain/pair/PairState.ts"
import { empty } from "../../src/domain/pair/PairState.ts"
import * as PairTrace from "../../src/domain/pair/PairTrace.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { randomFrom } from "./random.ts"

const peer = PeerIp.fromStringUnsafe("10.0.0.5")
/** Ours, by the role that they have towards the peer. */
const selves = {
  lower: [PeerIp.fromStringUnsafe("10.0.0.1"), PeerIp.fromStringUnsafe("10.0.0.4")],
  higher: [PeerIp.fromStringUnsafe("10.0.0.9"), PeerIp.fromStringUnsafe("10.0.1.1")]
} as const

/** `events` steps that `step` took, as a node would have kept them. */
export const torment = (seed: number, events: number, step: Pair.Step = Pair.step): PairTrace.PairTrace => {
  const random = randomFrom(seed)
  const pick = <A>(list: readonly [A, ...Array<A>]): A => list[random(list.length)] ?? list[0]
  const steps: Array<PairTrace.Step> = []
  let state: PairState = empty
  let ids = 1
  let nonces = 1n
  const isHigher = random(2) === 1
  const role: Role = isHigher ? "higher" : "lower"
  const otherRole: Role = isHigher ? "lower" : "higher"

  const someEnd = (): EndId => state.ends[random(Math.max(1, state.ends.length))]?.id ?? random(ids + 1)
  /** Most events of a real history: the next one of some end. */
  const fitting = (): PairEvent => {
    const at = someEnd()
    const end = state.ends.find(({ id }) => id === at)
    switch (end?.phase) {
      case undefined:
        return state.redial ? { _tag: "Fired", timer: { kind: "redial", end: 0 } } : { _tag: "Accepted", end: ids }
      case "dialing":
        return random(4) === 0 ? { _tag: "DialFailed", end: at, detail: "ETIMEDOUT" } : { _tag: "Connected", end: at }
      case "hello": {
        const which = random(3)
        // Now and then the peer comes to an address of ours on its other side.
        const towards = random(6) === 0 ? otherRole : role
        return {
          _tag: "Welcomed",
          end: at,
          role: towards,
          tag: pick(["p", "p", "q", "r"]),
          process: pick(["p", "p", "q", "r"]),
          self: which === 0 ? selves[towards][1] : selves[towards][0],
          order: random(2) === 0 ? undefined : random(8),
          listens: random(2) === 0
        }
      }
      case "candidate":
        return end.role === "higher" ? { _tag: "CommitReceived", end: at } : { _tag: "Accepted", end: ids }
      case "committing":
        return random(3) === 0 ? { _tag: "Accepted", end: ids } : { _tag: "AckReceived", end: at }
      case "up":
        return { _tag: "Accepted", end: ids }
    }
  }
  const any = (): PairEvent => {
    const at = someEnd()
    const nonce = state.probe === undefined ? nonces : state.probe.nonce
    const reject = pick(["duplicate", "alias", "full", "protocol"] as const)
    return pick<PairEvent>([
      { _tag: "Learned", rank: random(2) === 0 ? undefined : role },
      { _tag: "Forgotten" },
      { _tag: "HandedOver", end: random(2) === 0 ? undefined : at },
      { _tag: "Freed" },
      { _tag: "Accepted", end: ids },
      { _tag: "Refused", end: at, reject, detail: "for a \"reason\"", retryMs: 60_000 },
      { _tag: "CommitReceived", end: at },
      { _tag: "AckReceived", end: at },
      { _tag: "RejectReceived", end: at, reject, detail: "", retryMs: 1_234.5 },
      { _tag: "PongReceived", end: at, nonce },
      { _tag: "Heard", end: at },
      { _tag: "Flushed", end: state.probe?.end ?? at, nonce, rttMs: random(2) === 0 ? undefined : 20.25 },
      { _tag: "Flushed", end: state.probe?.end ?? at, nonce, rttMs: 0 },
      { _tag: "Merged", end: at, detail: "10.0.0.7" },
      { _tag: "Closed", end: at, reason: DisconnectReason.remote("eof") },
      { _tag: "Closed", end: at, reason: DisconnectReason.local("bad-frame", "frame length 9 exceeds limit 8") },
      { _tag: "Fired", timer: { kind: pick(["hello", "commit", "wait"]), end: at } },
      { _tag: "Fired", timer: { kind: "probe", end: 0 } },
      { _tag: "Fired", timer: { kind: "probe", end: 0 } },
      { _tag: "Fired", timer: { kind: pick(["quiet", "spacing", "grace", "redial"]), end: 0 } },
      { _tag: "Stopped", reject: "operator", detail: "by hand", retryMs: random(2) === 0 ? undefined : 300_000 }
    ])
  }

  for (let i = 0; i < events; i++) {
    const event = random(5) < 3 ? fitting() : any()
    const draw: Draw = { id: ids, nonce: nonces++, backoffMs: 7.125, fallbackMs: 4_000 }
    const before = state
    const { actions, after, decisions } = PairTrace.take(step, before, event, draw)
    if (event._tag === "Accepted" || actions.some(({ _tag }) => _tag === "Dial")) ids += 1
    state = after
    steps.push({ at: 1_790_000_000_000 + i * 10, before, event, draw, actions, after, decisions })
  }
  return {
    ip: peer,
    network: "devnet",
    software: "timemesh/test",
    rule: 1,
    at: 1_790_000_100_000,
    earlier: 0,
    steps
  }
}
