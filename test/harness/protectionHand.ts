/** What tests of protection begin with: a node with good peers, an offence, and a subnet of one address. */
import * as Subnet from "../../src/domain/peer/Subnet.ts"
import * as Offence from "../../src/domain/protection/Offence.ts"
import * as hand from "./peerContext.ts"

export const falseBlock = Offence.make("false-block", "a lie")

export const one = (text: string) => Subnet.ofOne(hand.ip(text))

/** A node with so many good peers. */
export const withPeers = (count: number): hand.Hand => {
  const node = hand.make()
  for (let i = 0; i < count; i++) node.up(`10.1.0.${i}`)
  node.emitted()
  return node
}
