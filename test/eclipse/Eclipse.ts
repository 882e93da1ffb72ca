/**
 * An attacker that holds `attackers` of `netgroups` netgroups, any number of addresses in each, and gossips them for days: what it has of the
 * victim's peer book, and of its outbound connections after a restart. The book and the pace of dials are the node's own code
 * (`PeerBook`, `GroupPace`); the rest of the node is played by the rules below.
 *
 * **Played.** Every ten minutes each of the attacker's connections, one per netgroup and at most `places`, tells as many new addresses as one peer may
 * (`Limits.newAddressesPerSecond`, a whole message first), all its own and all answering. Eight honest peers do the same with honest addresses.
 * Forty addresses of the book are dialled meanwhile: the attacker's always answer, honest ones nine times in ten. A fifth of the connections
 * is lost each day, and others of the book take their places. After the restart the anchors, the last good ones and others of the book are dialled, 16
 * a second, for ten minutes or until 125 places are taken.
 */
import * as Limits from "../../src/domain/Limits.ts"
import { PeerBook } from "../../src/domain/peer/PeerBook.ts"
import { fromStringUnsafe, operatorOf, type PeerIp } from "../../src/domain/peer/PeerIp.ts"
import { GroupPace } from "../../src/layers/peer/GroupPace.ts"
import { randomFrom } from "../harness/random.ts"

export interface Options {
  readonly netgroups: number
  readonly attackers: number
  /** Honest nodes, in the other netgroups by turns. */
  readonly honest: number
  readonly days: number
  readonly seed: number
}

/** Shares of the attacker, 0 … 1. */
export interface Result {
  readonly newShare: number
  readonly triedShare: number
  /** Of the first 8 outbound connections after a restart, and of all. */
  readonly firstShare: number
  readonly outboundShare: number
  readonly outbound: number
  /** The same of all without the pace by netgroup. */
  readonly unpacedShare: number
  /** Honest nodes in the tried table, before and after the attack. */
  readonly honestTried: readonly [before: number, after: number]
}

/** Share of the buckets that the attacker's netgroups reach, by Bitcoin Core's design: `each` draws per netgroup of `buckets`. */
export const reached = (attackers: number, each: number, buckets: number): number =>
  1 - (1 - 1 / buckets) ** (each * attackers)

const stepMs = 600_000
const dialsPerStep = 40
const honestPeers = 8
const places = 100
const port = 24_100

/** The address of a number in the `group`-th netgroup. */
const address = (group: number, host: number): PeerIp =>
  fromStringUnsafe(`${20 + (group >> 8)}.${group & 255}.${(host >> 8) & 255}.${host & 255}`)

export const run = ({ attackers, days, honest, netgroups, seed }: Options): Result => {
  const random = randomFrom(seed)
  const draw = (): number => random(2 ** 32) / 2 ** 32
  const below = (n: number): number => Math.floor(draw() * n)
  const isAttacker = (ip: PeerIp): boolean => {
    const [a = "", b = ""] = ip.split(".")
    return (Number(a) - 20) * 256 + Number(b) < attackers
  }
  const honestNodes = Array.from(
    { length: honest },
    (_, i) => address(attackers + i % (netgroups - attackers), 1 + Math.floor(i / (netgroups - attackers)))
  )
  const answers = (ip: PeerIp): boolean => isAttacker(ip) || draw() < 0.9
  const book = new PeerBook([seed, 2, 3, 4])
  let now = Date.UTC(2026, 0, 1)

  const good = (ip: PeerIp): void => book.good(ip, { port, wire: "native", direction: "outbound" }, now)
  const dial = (ip: PeerIp): void => {
    book.dialled(ip, now)
    if (answers(ip)) good(ip)
    else book.failed(ip)
  }
  const step = (isFirst: boolean, isAttacked: boolean): void => {
    const each = isFirst ? Limits.newAddresses : stepMs / 1_000 * Limits.newAddressesPerSecond
    for (let peer = 0; peer < honestPeers; peer++) {
      const source = honestNodes[below(honest)] ?? address(attackers, 1)
      for (let i = 0; i < each; i++) book.add({ ip: honestNodes[below(honest)] ?? source, port }, source, now)
    }
    if (isAttacked) {
      for (let group = 0; group < Math.min(attackers, places); group++) {
        const source = address(group, 1)
        // Of any of its netgroups: so its word reaches the most slots.
        for (let i = 0; i < each; i++) book.add({ ip: address(below(attackers), below(65_536)), port }, source, now)
      }
    }
    for (let i = 0; i < dialsPerStep; i++) {
      const known = book.toTest(now) ?? book.pick(now, draw)
      if (known !== undefined) dial(known.ip)
    }
    now += stepMs
    book.settleTests(now)
  }

  /** Who is connected ten minutes after a start, in order. */
  const start = (anchors: ReadonlyArray<PeerIp>, isPaced: boolean): ReadonlyArray<PeerIp> => {
    const groups = new GroupPace()
    const waiting = new Set([...anchors, ...book.lastGood(Limits.storedPeers).map(({ ip }) => ip)])
    const ups: Array<PeerIp> = []
    for (let tick = 0; tick < 600 * Limits.toldDialsPerSecond && ups.length < Limits.maxPeers; tick++) {
      const at = tick * 1_000 / Limits.toldDialsPerSecond
      if (tick % (10 * Limits.toldDialsPerSecond) === 0) {
        for (let i = 0; i < Limits.seekRows; i++) {
          const known = book.pick(now, draw)
          if (known !== undefined && !ups.includes(known.ip)) waiting.add(known.ip)
        }
      }
      let best: PeerIp | undefined
      let least = Number.POSITIVE_INFINITY
      for (const ip of waiting) {
        const count = isPaced ? groups.count(operatorOf(ip)) : 0
        if (count >= least || (isPaced && groups.waitMs(operatorOf(ip), at) > 0)) continue
        best = ip
        least = count
        if (count === 0) break
      }
      if (best === undefined) continue
      waiting.delete(best)
      if (!answers(best)) continue
      groups.began(operatorOf(best), at)
      ups.push(best)
    }
    return ups
  }
  // A day of peace first: the node knows its network, and is connected.
  for (let i = 0; i < 144; i++) step(i === 0, false)
  let connected = start([], true)
  const tried = (): ReadonlyArray<PeerIp> =>
    [...book.entries()].flatMap(({ known, table }) => table === "tried" ? [known.ip] : [])
  const before = tried().length
  for (let i = 0; i < days * 144; i++) {
    step(i === 0, true)
    if (i % 144 !== 143) continue
    const stay = connected.filter(() => draw() < 0.8)
    connected = [...stay, ...start([], true).filter((ip) => !stay.includes(ip))].slice(0, Limits.maxPeers)
  }
  const fresh = [...book.entries()].flatMap(({ known, table }) => table === "new" ? [known.ip] : [])
  const after = tried()
  const of = (ips: ReadonlyArray<PeerIp>): number => ips.length === 0 ? 0 : ips.filter(isAttacker).length / ips.length

  const anchors = connected.slice(0, Limits.anchors)
  const ups = start(anchors, true)
  return {
    newShare: of(fresh),
    triedShare: of(after),
    firstShare: of(ups.slice(0, 8)),
    outboundShare: of(ups),
    outbound: ups.length,
    unpacedShare: of(start(anchors, false)),
    honestTried: [before, after.filter((ip) => !isAttacker(ip)).length]
  }
}
