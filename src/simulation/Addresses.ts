/** Addresses of the nodes of a simulated network. Their order as text differs from their numeric order, as in the field. */
import * as PeerIp from "../domain/peer/PeerIp.ts"
import { isUnaware } from "./plan/Fault.ts"

const address = (part: number, index: number) =>
  PeerIp.fromStringUnsafe(`10.${part}.${index >> 7}.${(index & 127) + 1}`)

/** A node's home address, and one it may change to. */
export const addressesOf = (index: number) => [address(0, index), address(1, index)] as const

/** Second address on the host of a node that does not know its own. It is configured with this one as a peer; only the fault `alias` gives it to others. */
export const outerOf = (index: number): PeerIp.PeerIp | undefined => isUnaware(index) ? address(2, index) : undefined

export const everyAddressOf = (index: number): ReadonlyArray<PeerIp.PeerIp> => [
  ...addressesOf(index),
  ...[outerOf(index) ?? []].flat()
]
