/** Handles the admin API's ban requests: texts in, plain values out. */
import { Effect } from "effect"
import * as Subnet from "../../domain/peer/Subnet.ts"
import type { BanReport, ConnectionManager } from "../../services/ConnectionManager.ts"
import { BadAddress, type Ban, NoBan } from "./PeerApi.ts"
import { present } from "./present.ts"

type Manager = Pick<ConnectionManager["Service"], "ban" | "unban" | "bans">

const readSubnet = (text: string) =>
  Effect.mapError(Effect.fromResult(Subnet.fromString(text)), ({ message }) => new BadAddress({ message }))

/** A ban without a reason has no such field. */
export const asAnswered = (ban: BanReport): Ban =>
  present({ ...ban, reason: ban.reason === "" ? undefined : ban.reason })

/** Bans the address or block in the text. */
export const ban = (
  manager: Manager,
  { forMs, reason, subnet: text }: {
    readonly subnet: string
    readonly forMs?: number | undefined
    readonly reason?: string | undefined
  }
): Effect.Effect<Ban, BadAddress> =>
  Effect.gen(function*() {
    const subnet = yield* readSubnet(text)
    return asAnswered(
      yield* Effect.mapError(manager.ban(subnet, { forMs, reason }), ({ message }) => new BadAddress({ message }))
    )
  })

/** Lifts the ban of exactly the given address or block. If there is none, the error names the ban that may have been meant. */
export const unban = (
  manager: Manager,
  text: string
): Effect.Effect<{ readonly unbanned: string }, BadAddress | NoBan> =>
  Effect.gen(function*() {
    const subnet = yield* readSubnet(text)
    if (yield* manager.unban(subnet)) return { unbanned: subnet }
    const { ip } = Subnet.parts(subnet)
    const wider = (yield* manager.bans).find((ban) => Subnet.contains(ban.subnet, ip))
    const fix = wider === undefined
      ? "see all bans: timemesh bans"
      : `it is in ${wider.subnet}, which is banned: timemesh unban ${wider.subnet}`
    return yield* new NoBan({ message: `there is no ban of ${subnet}; ${fix}` })
  })
