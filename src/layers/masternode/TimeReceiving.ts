/**
 * Handles TIME-network messages about masternodes. None is signed, so none is verified. A peer that passes on a false claim may have been
 * told it itself, so impossible claims are ignored, not punished.
 */
import { Result } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as TimeMasternode from "../../domain/masternode/TimeMasternode.ts"
import * as ToldMasternodes from "../../domain/masternode/ToldMasternodes.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { TimeMessage } from "../../domain/wire/time/TimeMessage.ts"
import type { Origin } from "../../services/ConnectionManager.ts"
import type { MasternodeContext } from "./MasternodeContext.ts"

const addressesOf = (texts: ReadonlyArray<string>): ReadonlySet<PeerIp.PeerIp> =>
  new Set(
    texts.slice(0, Limits.peersPerMessage).flatMap((text) => {
      const ip = TimeMasternode.addressOf(text)
      return Result.isSuccess(ip) ? [ip.success] : []
    })
  )

/** The fields that all versions of an announcement share. */
type Announced = Omit<TimeMasternode.TimeMasternode, "collateral"> & {
  readonly collateral?: TimeMasternode.TimeMasternode["collateral"]
}

const put = (context: MasternodeContext, told: ToldMasternodes.ToldMasternodes): void => {
  if (told !== context.registry.told) context.registry = { ...context.registry, told }
}

/** Whether a peer's claim about an address counts: a peer on the internet knows nothing about this node's private network. */
const isOfUse = ({ ip: from }: Origin, ip: PeerIp.PeerIp): boolean =>
  PeerIp.isOfUse(PeerIp.classOf(ip), PeerIp.classOf(from))

const heard = (origin: Origin, told: TimeMasternode.TimeMasternode): ReadonlyArray<TimeMasternode.Hearsay> => {
  const hearsay = TimeMasternode.hearsay(told)
  return typeof hearsay === "string" || !isOfUse(origin, hearsay.ip) ? [] : [hearsay]
}

const announced = (context: MasternodeContext, origin: Origin, message: Announced): void => {
  const { told } = context.registry
  const now = context.now()
  for (const hearsay of heard(origin, { ...message, collateral: message.collateral })) {
    put(
      context,
      hearsay.ip === origin.ip
        ? ToldMasternodes.announced(told, hearsay, origin.connection, now)
        : ToldMasternodes.listed(told, [hearsay], origin.ip, now)
    )
  }
}

export const received = (context: MasternodeContext, origin: Origin, message: TimeMessage): void => {
  const { told } = context.registry
  switch (message._tag) {
    case "MasternodesResponse": {
      const named = message.masternodes.slice(0, Limits.toldPerMessage).flatMap((entry) => heard(origin, entry))
      return put(context, ToldMasternodes.listed(told, named, origin.ip, context.now()))
    }
    case "MasternodeAnnouncement":
    case "MasternodeAnnouncementV2":
    case "MasternodeAnnouncementV3":
    case "MasternodeAnnouncementV4":
      return announced(context, origin, message)
    case "MasternodeStatusGossip": {
      const active = addressesOf(message.visible)
      return put(context, ToldMasternodes.reported(told, origin.ip, active, context.now().monotonic))
    }
    case "MasternodeInactive":
    case "MasternodeUnlock": {
      const ip = TimeMasternode.addressOf(message.address)
      return Result.isSuccess(ip) ? put(context, ToldMasternodes.inactive(told, ip.success, origin.ip)) : undefined
    }
  }
}

/** That connection has ended. */
export const down = (context: MasternodeContext, { connection, ip }: Origin): void =>
  put(context, ToldMasternodes.closed(context.registry.told, ip, connection))
