/**
 * Whether nodes agree about their connections: both ends of every pair list one connection, and it is the same socket. Testnet, test kit
 * and tests judge by it; the simulator's `PairWatch` checks the same rule over time.
 */

/** What one node lists: for each peer, its connection's socket (the initiator's `IP:port`). */
export interface Listed {
  readonly ip: string
  readonly sockets: ReadonlyMap<string, string>
}

/** Two nodes that are not connected by one socket, with what each lists for the other. */
export interface Disagreement {
  readonly a: string
  readonly b: string
  readonly atA: string | undefined
  readonly atB: string | undefined
}

/** N(N−1)/2. */
export const pairs = (nodes: number): number => nodes * (nodes - 1) / 2

/** Every pair not connected by one socket, in the order of the nodes. */
export const disagreements = (nodes: ReadonlyArray<Listed>): ReadonlyArray<Disagreement> =>
  nodes.flatMap((a, i) =>
    nodes.slice(i + 1).flatMap((b) => {
      const atA = a.sockets.get(b.ip)
      const atB = b.sockets.get(a.ip)
      return atA !== undefined && atA === atB ? [] : [{ a: a.ip, b: b.ip, atA, atB }]
    })
  )

/** For messages: `10.0.0.1 ⇄ 10.0.0.2: 10.0.0.1:49152 and no connection`. */
export const format = ({ a, atA, atB, b }: Disagreement): string =>
  `${a} ⇄ ${b}: ${atA ?? "no connection"} and ${atB ?? "no connection"}`
