/**
 * What a workload asks of a stack: accept, connect, send messages, receive messages. The same workload code drives all.
 */
import type * as Chain from "./timemeshChain.ts"

/** One end of one connection. */
export interface Link {
  /**
   * Sends messages in order, as one batch. `undefined`: more may be sent at once; else it resolves when the stack wants
   * more. The caller does not change the payloads afterwards.
   */
  readonly send: (payloads: ReadonlyArray<Uint8Array>) => Promise<void> | undefined
  /** Calls `handler` for every message, in order. The payload is a view, valid only during the call. Set once. */
  readonly receive: (handler: (payload: Uint8Array) => void) => void
  /** Asks the other end for a sign of life, where the stack has such a message. */
  readonly ping?: () => Promise<unknown>
}

/** An accepting end. */
export interface Server {
  /** Where to connect, in the implementation's own spelling. */
  readonly address: string
  readonly close: () => Promise<void>
}

export interface ServeOptions {
  /** A loopback address. The port is chosen free. */
  readonly ip: string
  /** Called once per connection, when messages can go both ways. It must set `receive` before it returns. */
  readonly onLink: (link: Link) => void
}

/** What a mesh of nodes in one process did until every pair was connected. */
export interface MeshResult {
  /** ms. From before the first node started until every pair could exchange messages. */
  readonly settleMs: number
  readonly pairs: number
  readonly dials: number
  /** Times that an end had two connections with one peer. */
  readonly duplicates: number
}

export interface Implementation {
  readonly serve: (options: ServeOptions) => Promise<Server>
  /** Connects from `ip` and resolves when messages can go both ways. */
  readonly connect: (address: string, ip: string) => Promise<Link>
  /**
   * Connects `count` distinct peers, the first being number `first` of this process. They live as long as the process and
   * are as cheap as the stack allows, because only the other end is measured.
   */
  readonly crowd: (address: string, first: number, count: number) => Promise<ReadonlyArray<Link>>
  /** `count` nodes on their own loopback addresses in this process, every pair connected. */
  readonly mesh: (count: number) => Promise<MeshResult>
  /** Both ends as the workload `idle` has them, where a stack has no pings of its own: the workload sends them. */
  readonly idle?: Pick<Implementation, "serve" | "crowd">
  /** Nodes that keep a chain, where the stack has one. */
  readonly chain?: () => Promise<typeof Chain>
}

/** In the order of the table. `blind` is timemesh without what it observes of itself. `before` is timemesh of the checkout that `--against` names. */
export const names = [
  "bare",
  "timemesh",
  "blind",
  "before",
  "libp2p",
  "libp2p-noise",
  "libp2p-packed",
  "secret-stream",
  "bare-tls",
  "timemesh-tls"
] as const

export type Name = (typeof names)[number]
