/** The addresses of this host's interfaces. */
import { Result } from "effect"
import { networkInterfaces } from "node:os"
import * as PeerIp from "../../domain/peer/PeerIp.ts"

/** Addresses of interfaces that are up; link-local ones without their zone. `undefined`: they cannot be read (out of descriptors). */
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
