/** Shared by both kinds of `PeerPins`: checks a key, pins it at first contact, and warns of a refusal once per peer. */
import { Clock, Effect } from "effect"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as Pins from "../../domain/peer/Pins.ts"
import { PeerPins } from "../../services/PeerPins.ts"
import type { Secured } from "../../services/PeerSocket.ts"

export interface Pinning {
  readonly service: PeerPins["Service"]
  readonly pins: () => Pins.Pins
}

/** Only peers of this wire have a lasting key: others make a new certificate at each start. */
const keyOf = (secured: Secured): string | undefined =>
  secured._tag === "Tls" && secured.protocol !== undefined ? secured.key : undefined

/** @param onPinned called after a pin was made or forgotten */
export const pinning = (initial: Pins.Pins, onPinned: () => void = () => {}): Effect.Effect<Pinning> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const fork = Effect.runForkWith(yield* Effect.context())
    let pins = initial
    const warned = new Set<PeerIp>()
    /** The latest refusal of each refused peer. */
    const refused = new Map<PeerIp, "other-key" | "no-key">()
    const warn = (ip: PeerIp, refusal: string) => {
      if (warned.has(ip)) return
      warned.add(ip)
      fork(Effect.logWarning(refusal))
    }
    const judge = (ip: PeerIp, secured: Secured): string | undefined => {
      const key = keyOf(secured)
      const verdict = Pins.judge(pins, ip, key)
      const refusal = Pins.refusal(verdict, ip)
      if (refusal !== undefined) {
        refused.set(ip, verdict._tag === "OtherKey" ? "other-key" : "no-key")
        warn(ip, refusal)
      } else if (key !== undefined) {
        refused.delete(ip)
        pins = Pins.shown(pins, ip, key, clock.currentTimeMillisUnsafe())
        if (verdict._tag === "First") onPinned()
      }
      return refusal
    }
    const forget = (ip: PeerIp): boolean => {
      if (!pins.has(ip)) return false
      pins = Pins.forgotten(pins, ip)
      warned.delete(ip)
      refused.delete(ip)
      onPinned()
      return true
    }
    const report = (ip: PeerIp): Pins.PinReport | undefined => {
      const pin = pins.get(ip)
      return pin === undefined ? undefined : { state: refused.get(ip) ?? "pinned", key: pin.key, since: pin.since }
    }
    return { service: PeerPins.of({ judge, forget, report }), pins: () => pins }
  })
