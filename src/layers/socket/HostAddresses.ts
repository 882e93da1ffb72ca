/** The addresses of this host's interfaces. */
import { Result } from "effect"
import { networkInterfaces } from "node:os"
import * as PeerIp from "../../domain/peer/PeerIp.ts"

/** Those of interfaces that are up; link-local ones without their zone. `undefined`: the system does not say, for want of a descriptor. */
export const read = (): ReadonlyArray<PeerIp.PeerIp> | undefined => {
  try {
    return Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).flatMap(({ address }) => {
        const ip = PeerIp.fromString(address.replace(/%.*$/, ""))
        return Result.isSuccess(ip) ? [ip.success] : []
      })
    )
  } catch {
    return undefined
  }
}
