/**
 * Asks the seeds for peers: soon after the start if the book is empty, later while no peer is up, then less and less often. A node with peers
 * asks no seed: a seed's operator sees which nodes ask, and could choose their first peers.
 *
 * Addresses from a DNS name count as gossip of the seed, a netgroup of its own (`BookPlaces`), and are dialled as gossip (`ToldDials`): at most
 * `Limits.seedAddresses` of them. Listed addresses count as given by this node's operator.
 */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as Seed from "../../domain/peer/Seed.ts"
import { NameResolver } from "../../services/NameResolver.ts"
import * as Discovery from "./Discovery.ts"
import * as Gate from "./Gate.ts"
import type { NodeContext } from "./NodeContext.ts"

/** Runs until the node closes. */
export const start = Effect.fnUntraced(function*(ctx: NodeContext) {
  const { seeds = [] } = ctx.setup
  if (seeds.length === 0) return
  const resolver = yield* NameResolver
  const wait = (ms: number, tries: number): void => {
    ctx.timers.arm(ms * (0.75 + ctx.jitter() / 2), () => {
      if (ctx.slots.closed) return
      // A peer is up: start over with short waits the next time there is none.
      if (ctx.slots.upCount > 0) return wait(Limits.seedAgainMs, 0)
      for (const seed of seeds) ask(ctx, resolver, seed)
      wait(Math.min(Limits.seedMaxMs, Limits.seedAgainMs * 2 ** tries), tries + 1)
    })
  }
  const hasOthers = ctx.book.size > 0 || ctx.setup.peers.length > 0
  wait(hasOthers ? Limits.seedLaterMs : Limits.seedFirstMs, 0)
})

const ask = (ctx: NodeContext, resolver: NameResolver, seed: Seed.Seed): void => {
  if (seed._tag === "Address") return take(ctx, seed, [seed.address])
  ctx.io.fork(
    resolver.resolve(seed.name).pipe(
      Effect.timeoutOrElse({ duration: Limits.seedResolveMs, orElse: () => Effect.fail({ message: "no answer" }) }),
      Effect.match({
        onFailure: ({ message }) =>
          ctx.emit({ _tag: "SeedAsked", seed: Seed.format(seed), addresses: 0, detail: message }),
        onSuccess: (ips) => take(ctx, seed, drawn(ctx, ips).map((ip) => PeerAddress.make(ip, seed.port)))
      })
    )
  )
}

/** A random part of the answer, so that the seed's order does not matter. */
const drawn = (ctx: NodeContext, ips: ReadonlyArray<PeerIp>): ReadonlyArray<PeerIp> => {
  const left = [...new Set(ips)].filter((ip) => Gate.address(ctx, ip))
  const some: Array<PeerIp> = []
  while (left.length > 0 && some.length < Limits.seedAddresses) {
    some.push(...left.splice(Math.floor(ctx.jitter() * left.length), 1))
  }
  return some
}

const take = (ctx: NodeContext, seed: Seed.Seed, addresses: ReadonlyArray<PeerAddress.PeerAddress>): void => {
  const now = ctx.nowMs()
  const room = Gate.room(ctx)
  for (const address of addresses) {
    ctx.book.add(address, seed._tag === "Name" ? { seed: seed.name } : "operator", now)
    if (ctx.table.get(address.ip) !== undefined || room.take()) Discovery.learn(ctx, address, "gossip")
  }
  const detail = addresses.length === 0 ? "none of its addresses can be a peer's" : undefined
  ctx.emit({ _tag: "SeedAsked", seed: Seed.format(seed), addresses: addresses.length, detail })
}
