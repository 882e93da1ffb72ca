/** A network as its members' connections and books: what each answers to a question for addresses. */
import * as Exchange from "../../src/domain/peer/Exchange.ts"
import type { PeerAddress } from "../../src/domain/peer/PeerAddress.ts"
import { PeerBook } from "../../src/domain/peer/PeerBook.ts"
import { fromStringUnsafe, type PeerIp } from "../../src/domain/peer/PeerIp.ts"

export const memberIp = (i: number): PeerIp => fromStringUnsafe(`${20 + (i % 50)}.${i % 251}.0.${1 + i % 250}`)

export interface Member {
  readonly ip: PeerIp
  readonly connected: ReadonlySet<PeerIp>
  readonly met: ReadonlySet<PeerIp>
}

/** A network that has run for a while: each node is connected with `places` others, and has met a third of the rest before. */
export const network = (
  count: number,
  places: number,
  random: (n: number) => number
): ReadonlyMap<PeerIp, Member> => {
  const nodes = Array.from(
    { length: count },
    (_, i) => ({ connected: new Set<PeerIp>(), met: new Set<PeerIp>(), ip: memberIp(i) })
  )
  for (let tries = 40 * count * places; tries > 0; tries--) {
    const [a, b] = [nodes[random(count)], nodes[random(count)]]
    if (a === undefined || b === undefined || a === b) continue
    if (a.connected.size >= places || b.connected.size >= places) continue
    a.connected.add(b.ip)
    b.connected.add(a.ip)
  }
  for (const node of nodes) {
    for (const other of nodes) if (other !== node && random(3) === 0) node.met.add(other.ip)
  }
  return new Map(nodes.map((node) => [node.ip, node]))
}

/** What a member tells an asker: at most `most` addresses. */
export const answerOf = (
  { connected, met }: Member,
  asker: PeerIp,
  port: number,
  random: (n: number) => number,
  most?: number
): ReadonlyArray<PeerAddress> => {
  const book = new PeerBook([random(1_000), 3, 4, 5])
  for (const ip of [...connected, ...met]) book.good(ip, { port, wire: "native", direction: "outbound" }, 0)
  const listed = [...connected].map((ip) => ({ ip, port }))
  return Exchange.answer(asker, listed, book.sample(0, () => random(2 ** 30) / 2 ** 30), most)
}
