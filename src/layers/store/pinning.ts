/**
 * Shared by both kinds of `PeerPins`: checks a key, pins it at first contact, and warns of a refusal once per peer, within a rate: any host can
 * come with one key and then another.
 */
import { Clock, Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as Pins from "../../domain/peer/Pins.ts"
import type { PinTable } from "../../domain/peer/PinTable.ts"
import * as TokenBucket from "../../domain/peer/TokenBucket.ts"
import { PeerPins } from "../../services/PeerPins.ts"
import type { Secured } from "../../services/PeerSocket.ts"
import { monotonicOf } from "../time/monotonicMs.ts"

/** Only peers of this wire have a lasting key: others make a new certificate at each start. */
const keyOf = (secured: Secured): string | undefined =>
  secured._tag === "Tls" && secured.protocol !== undefined ? secured.key : undefined

/** @param onPinned called after a pin was made or forgotten */
export const pinning = (pins: PinTable, onPinned: () => void = () => {}): Effect.Effect<PeerPins["Service"]> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const fork = Effect.runForkWith(yield* Effect.context())
    // Both only of peers that have a pin, and so as bounded as `pins`.
    const warned = new Set<PeerIp>()
    /** The latest refusal of each refused peer. */
    const refused = new Map<PeerIp, "other-key" | "no-key">()
    const monotonic = monotonicOf(clock)
    let warnings = TokenBucket.full(Limits.pinWarnings, monotonic())
    const warn = (ip: PeerIp, refusal: string) => {
      if (warned.has(ip)) return
      const left = TokenBucket.take(warnings, Limits.pinWarnings, monotonic())
      if (left === undefined) return
      warnings = left
      warned.add(ip)
      fork(Effect.logWarning(refusal))
    }
    const forgotten = (ip: PeerIp) => {
      warned.delete(ip)
      refused.delete(ip)
    }
    const judge = (ip: PeerIp, secured: Secured, isKnown = false): string | undefined => {
      const key = keyOf(secured)
      const verdict = Pins.judge(pins.get(ip), key)
      const refusal = Pins.refusal(verdict, ip)
      if (refusal !== undefined) {
        refused.set(ip, verdict._tag === "OtherKey" ? "other-key" : "no-key")
        warn(ip, refusal)
      } else if (key !== undefined) {
        refused.delete(ip)
        const left = pins.shown(ip, key, clock.currentTimeMillisUnsafe(), isKnown)
        if (left !== undefined) forgotten(left)
        if (verdict._tag === "First") onPinned()
      }
      return refusal
    }
    const forget = (ip: PeerIp): boolean => {
      if (!pins.delete(ip)) return false
      forgotten(ip)
      onPinned()
      return true
    }
    const report = (ip: PeerIp): Pins.PinReport | undefined => {
      const pin = pins.get(ip)
      return pin === undefined ? undefined : { state: refused.get(ip) ?? "pinned", key: pin.key, since: pin.since }
    }
    return PeerPins.of({ judge, forget, report })
  })
