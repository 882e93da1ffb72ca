/**
 * What peers say of masternodes (kinds 48 … 50): a script of their bodies, decoded and put into a registry as if each signature were right.
 * A body is a message that is written as exactly these bytes, or a printable reason; the registry keeps its bounds, shows one masternode per
 * IP, and counts what it shows. An input is items of a kind, a sender, seconds that pass, and a body.
 */
import * as Limits from "../../../src/domain/Limits.ts"
import * as Bytes from "../../../src/domain/masternode/AnnouncementBytes.ts"
import { type Announcement, type Key, type State, states } from "../../../src/domain/masternode/Masternode.ts"
import * as Registry from "../../../src/domain/masternode/MasternodeRegistry.ts"
import * as MasternodeReport from "../../../src/domain/masternode/MasternodeReport.ts"
import * as RegistryBounds from "../../../src/domain/masternode/RegistryBounds.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as MasternodeMessage from "../../../src/domain/wire/MasternodeMessage.ts"
import { randomFrom } from "../../harness/random.ts"
import type { Random } from "../Mutator.ts"
import { ensure, sameBytes, show, type Target } from "../Target.ts"

const kinds = Object.values(MasternodeMessage.MasternodeKind)
const startWall = Date.UTC(2026, 0, 1)
/** Kind, sender, seconds, length of the body. */
const headBytes = 5

const senders = Array.from({ length: 16 }, (_, i) => PeerIp.fromStringUnsafe(`20.${i}.0.1`))

const item = (kind: number, sender: number, seconds: number, body: Uint8Array): Uint8Array =>
  Uint8Array.of(kind, sender, seconds, body.length >> 8, body.length & 255, ...body)

const elsewhere = PeerIp.fromStringUnsafe("30.0.0.1")

/** Few keys and addresses, so that claims meet. */
const announcement = (random: Random): Announcement => ({
  claim: {
    key: random(12).toString(16).padStart(2, "0").repeat(32) as Key,
    ip: random(2) === 0 ? senders[random(2)] ?? elsewhere : elsewhere,
    port: random(65_536),
    tier: "free",
    at: startWall + (random(4_000) - 2_000) * 1_000
  },
  signature: new Uint8Array(64).fill(random(256))
})

const body = (kind: number, random: Random): Uint8Array => {
  if (kind === MasternodeMessage.MasternodeKind.OwnMasternode) {
    return MasternodeMessage.encode({
      _tag: "OwnMasternode",
      announcement: announcement(random),
      proof: new Uint8Array(64).fill(random(256))
    })
  }
  if (kind === MasternodeMessage.MasternodeKind.Masternodes) {
    const announcements = Array.from({ length: 1 + random(8) }, () => announcement(random))
    return MasternodeMessage.encode({ _tag: "Masternodes", announcements })
  }
  const seen = Array.from({ length: random(4) }, () => {
    const { ip, key } = announcement(random).claim
    return { ip, key }
  })
  return MasternodeMessage.encode({ _tag: "SeenMasternodes", seen })
}

const script = (random: Random): Uint8Array =>
  Uint8Array.from(
    Array.from({ length: 1 + random(8) }, () => {
      const kind = kinds[random(kinds.length)] ?? 48
      return [...item(kind, random(4), random(256), body(kind, random))]
    }).flat()
  )

const count = (
  rows: ReadonlyArray<{ readonly state: State }>,
  state: State
): number => rows.filter((row) => row.state === state).length

const check = (registry: Registry.MasternodeRegistry, now: number): void => {
  const all = Registry.all(registry)
  ensure(all.length === registry.size, () => `size ${registry.size}, ${all.length} entries`)
  ensure(registry.size <= Limits.masternodeClaims, () => `${registry.size} claims`)
  for (const entry of all) {
    const [ip, key] = [Registry.ipOf(entry), Registry.keyOf(entry)]
    ensure(Registry.entriesAt(registry, ip).length <= Limits.masternodesPerIp, () => `too many at ${ip}`)
    ensure(Registry.entriesOf(registry, key).length <= Limits.ipsPerMasternode, () => `too many of ${key}`)
    ensure(entry.firstAt <= Registry.atOf(entry), () => `first ${entry.firstAt}, latest ${Registry.atOf(entry)}`)
    ensure(entry.witnesses.length <= Limits.witnessesPerMasternode, () => `${entry.witnesses.length} witnesses`)
    ensure(entry.witnesses.every((witness) => witness.ip !== ip), () => `${ip} is its own witness`)
  }
  const { counts, masternodes } = MasternodeReport.report(registry, now)
  ensure(new Set(masternodes.map(({ ip }) => ip)).size === masternodes.length, "one per IP")
  for (const state of states) {
    ensure(
      MasternodeReport.total(counts, state) === count(masternodes, state),
      () => `count of ${state}: ${show(counts)}`
    )
  }
  const live = MasternodeReport.live(registry, now)
  ensure(live.length === count(masternodes, "live"), () => `${live.length} live, ${show(counts)}`)
  ensure(new Set(live.map(({ key }) => key)).size === live.length, "a key is live once")
}

export const target: Target = {
  name: "masternode",
  about:
    "what peers say of masternodes: each body is what it is written as, and the registry keeps its bounds and counts right",
  unit: "a message",
  suffix: "bin",
  mostBytes: 8 * 1024,
  tokens: [
    ...kinds.map((kind) => Uint8Array.of(kind)),
    Uint8Array.of(0, Bytes.announcementBytes),
    Uint8Array.of(0, Bytes.announcementBytes + Bytes.signatureBytes),
    Uint8Array.of(0, Bytes.sightingBytes),
    ...senders.map(PeerIp.toBytes)
  ],
  seeds: (seed) => {
    const random = randomFrom(seed)
    return Array.from({ length: 60 }, () => script(random))
  },
  mutate: (_, random) => random(2) === 0 ? script(random) : undefined,
  run: (input) => {
    let registry = Registry.empty
    let messages = 0
    let monotonic = 0
    const connections = new Map<PeerIp.PeerIp, number>()
    for (let at = 0; at + headBytes <= input.length;) {
      const [kind = 0, from = 0, seconds = 0, high = 0, low = 0] = input.subarray(at)
      const bytes = input.subarray(at + headBytes, at + headBytes + high * 256 + low)
      at += headBytes + high * 256 + low
      messages += 1
      monotonic += seconds * 1_000
      const sender = senders[from % senders.length]
      const message = MasternodeMessage.decode(kind, bytes)
      if (message === undefined || sender === undefined) {
        ensure(!kinds.some((known) => known === kind), () => `kind ${kind} is not read`)
        continue
      }
      if (typeof message === "string") {
        ensure(/^[ -~]+$/.test(message), () => show(message))
        continue
      }
      ensure(sameBytes(MasternodeMessage.encode(message), bytes), () => `written otherwise: ${show(message)}`)
      const now = { wall: startWall + monotonic, monotonic }
      switch (message._tag) {
        case "OwnMasternode": {
          const { ip } = message.announcement.claim
          const before = connections.get(ip)
          if (before !== undefined) registry = Registry.disconnected(registry, ip, before)
          connections.set(ip, messages)
          registry = Registry.connected(registry, message.announcement, messages, now)
          registry = RegistryBounds.fit(registry, message.announcement, monotonic)
          break
        }
        case "Masternodes":
          for (const one of message.announcements) {
            const novelty = Registry.novelty(registry, one, now)
            if (novelty !== "new" && novelty !== "older") continue
            registry = Registry.announced(registry, one, PeerIp.netgroup(sender), now)
            registry = RegistryBounds.fit(registry, one, monotonic)
            ensure(Registry.novelty(registry, one, now) !== "new", "an announcement is new twice")
          }
          break
        case "SeenMasternodes":
          registry = Registry.witnessed(registry, sender, message.seen, monotonic)
      }
      ensure(registry.size <= Limits.masternodeClaims, () => `${registry.size} claims`)
    }
    check(registry, monotonic)
    check(RegistryBounds.withoutForgotten(registry, monotonic + Limits.masternodeKeepMs), monotonic)
    return Math.max(1, messages)
  }
}
