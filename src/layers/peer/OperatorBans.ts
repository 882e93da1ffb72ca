/** The operator's bans: what `ConnectionManager` exposes of `Protection`. */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as Subnet from "../../domain/peer/Subnet.ts"
import type { Ban } from "../../domain/protection/BanList.ts"
import { type BanReport, type ConnectionManager, InvalidBan } from "../../services/ConnectionManager.ts"
import type { NodeContext } from "./NodeContext.ts"
import * as Protection from "./Protection.ts"

type Bans = Pick<ConnectionManager["Service"], "ban" | "unban" | "bans">

/** `save`: stores the changes. */
export const make = (ctx: NodeContext, save: Effect.Effect<void>): Bans => ({
  ban: (subnet, { forMs = Limits.operatorBanMs, reason = "" } = {}) =>
    Effect.gen(function*() {
      const { ip, isOne } = Subnet.parts(subnet)
      if (isOne && ctx.table.own.how(ip) !== undefined) {
        return yield* invalid(subnet, "is of this node itself", "name another host")
      }
      if (!(forMs >= Limits.banLeastMs && forMs <= Limits.banMostMs)) {
        return yield* invalid(subnet, `lasts ${forMs} ms`, "choose a time between 1 s and 365 days")
      }
      const now = ctx.timers.now()
      const ban: Ban = {
        subnet,
        since: now,
        until: now + Math.round(forMs),
        by: "operator",
        reason: reason.trim().slice(0, Limits.banReasonCharacters)
      }
      if (!Protection.ban(ctx, ban)) {
        return yield* invalid(
          subnet,
          `does not fit: there are ${Limits.bans} bans`,
          "lift some, or ban blocks of addresses"
        )
      }
      yield* save
      return reportOf(ctx, ban)
    }),
  unban: (subnet) =>
    Effect.gen(function*() {
      const isLifted = Protection.unban(ctx, subnet)
      if (isLifted) yield* save
      return isLifted
    }),
  bans: Effect.sync(() => {
    const now = ctx.timers.now()
    return [...ctx.protection.bans.entries()]
      .filter(({ until }) => until > now)
      .map((ban) => ({ report: reportOf(ctx, ban), key: Subnet.sortKey(ban.subnet) }))
      .toSorted((a, b) => a.key < b.key ? -1 : 1)
      .map(({ report }) => report)
  })
})

const invalid = (subnet: Subnet.Subnet, problem: string, fix: string) =>
  Effect.fail(new InvalidBan({ input: subnet, problem, fix }))

const reportOf = (ctx: NodeContext, ban: Ban): BanReport => {
  const now = ctx.timers.now()
  const offsetMs = ctx.nowMs() - now
  return {
    ...ban,
    since: Math.round(ban.since + offsetMs),
    until: Math.round(ban.until + offsetMs),
    leftMs: Math.max(0, Math.round(ban.until - now))
  }
}

/** Why an address cannot be connected to because of a ban; `undefined`: it is not banned. */
export const problem = (ctx: NodeContext, ip: PeerIp) => {
  const ban = ctx.protection.bans.find(ip, ctx.timers.now())
  if (ban === undefined) return undefined
  return {
    input: ip,
    problem: `is banned here${Subnet.parts(ban.subnet).isOne ? "" : ` with ${ban.subnet}`}${
      ban.reason === "" ? "" : ` (${ban.reason})`
    }`,
    fix: `lift the ban first: timemesh unban ${ban.subnet}`
  }
}
