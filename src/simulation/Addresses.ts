/** Where the nodes of a simulated network are. Their order as text differs from their numeric order, as in the field. */
import * as PeerIp from "../domain/peer/PeerIp.ts"
import { isUnaware } from "./plan/Fault.ts"

const address = (part: number, index: number) =>
  PeerIp.fromStringUnsafe(`10.${part}.${index >> 7}.${(index & 127) + 1}`)

/** The home address of a node, and one to change to. */
export const addressesOf = (index: number) => [address(0, index), address(1, index)] as const

/** The second address, at home, of a node that does not know its own: it is told of it, and others only by the fault `alias`. */
export const outerOf = (index: number): PeerIp.PeerIp | undefined => isUnaware(index) ? address(2, index) : undefined

export const everyAddressOf = (index: number): ReadonlyArray<PeerIp.PeerIp> => [
  ...addressesOf(index),
  ...[outerOf(index) ?? []].flat()
]
