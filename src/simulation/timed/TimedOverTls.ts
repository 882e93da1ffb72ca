/** Twins of the daemon on this machine: real connections over real TLS, each from its own IP, on the TIME network's port. */
import { Clock, Effect, Layer } from "effect"
import type { Scope } from "effect"
import type { SocketServer } from "effect/socket"
import * as Hash from "../../domain/chain/Hash.ts"
import * as PeerIps from "../../domain/peer/PeerIp.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as HasherLive from "../../layers/chain/HasherLive.ts"
import { makeCertificate } from "../../layers/socket/makeCertificate.ts"
import * as TlsSocket from "../../layers/socket/TlsSocket.ts"
import { NodeCertificate } from "../../services/NodeCertificate.ts"
import { PeerPins } from "../../services/PeerPins.ts"
import { PeerSocket } from "../../services/PeerSocket.ts"
import { firstBlocks } from "../Daemons.ts"
import { Timed } from "./Timed.ts"

/** A twin's report about itself. */
export interface TimedAccount {
  readonly ip: PeerIp
  readonly height: number
  /** Hash of its tip, hex. */
  readonly tip: string
  /** Peers with which it has exactly one connection, and uses it. */
  readonly uses: ReadonlyArray<PeerIp>
  /** Violations it counts against each peer, in words, and bans. */
  readonly holds: ReadonlyArray<{ readonly against: PeerIp; readonly why: string; readonly isBan: boolean }>
}

/** Like the daemon, it pins no key. */
const noPins = Layer.succeed(PeerPins, { judge: () => undefined, report: () => undefined, forget: () => false })

const account = (timed: Timed, peers: ReadonlyArray<PeerIp>): TimedAccount => ({
  ip: timed.ip,
  height: timed.chain.height,
  tip: Hash.toHex(timed.chain.hashes[timed.chain.height] ?? Hash.zero),
  uses: peers.filter((peer) => {
    const used = timed.uses(peer)
    return used?.phase === "open" && timed.live(peer).length === 1
  }),
  holds: peers.flatMap((against) => [
    ...timed.ledger.entries(against).map(({ why }) => ({ against, why, isBan: false })),
    ...timed.ledger.bans(against).map(({ why }) => ({ against, why, isBan: true }))
  ])
})

/**
 * Starts a twin at each of `ips`, all with the same blocks; each dials the addresses in `peers` by the daemon's rules. They end with the scope. The result
 * returns their current reports.
 */
export const start = Effect.fnUntraced(function*(
  ips: ReadonlyArray<string>,
  peers: ReadonlyArray<string>
): Effect.fn.Return<Effect.Effect<ReadonlyArray<TimedAccount>>, SocketServer.SocketServerError, Scope.Scope> {
  const hasher = yield* HasherLive.make
  const chain = firstBlocks(hasher)
  const certificate = Layer.effect(NodeCertificate, Effect.promise(makeCertificate))
  const sockets = TlsSocket.layer({ acceptPlain: false, wire: "time" }).pipe(Layer.provide([certificate, noPins]))
  const clock = yield* Clock.Clock
  const twins = yield* Effect.forEach(ips, (ip) =>
    Effect.gen(function*() {
      const own = yield* Effect.provide(PeerSocket, yield* Layer.build(Layer.fresh(sockets)))
      const timed = new Timed({ ip, hasher, chain, knows: peers, remembers: false })
      yield* timed.run(own, {
        admits: (from) => timed.admits(from) ? "stranger" : "refused",
        failed: ({ ip }, { reason }) =>
          timed.ledger.violation(ip, "tls", reason.detail ?? reason.kind, clock.currentTimeMillisUnsafe())
      })
      return timed
    }))
  const known = peers.map((peer) => PeerIps.fromStringUnsafe(peer))
  return Effect.sync(() => twins.map((timed) => account(timed, known)))
})
