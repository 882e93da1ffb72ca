/** What the two processes of a pair say to one another outside the connection under test; the parent relays it. */

/** Travels as JSON. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

export interface Peer {
  readonly tell: (tag: string, data: Json) => void
  /** The next `tell` of that tag; waits for it. */
  readonly hear: (tag: string) => Promise<Json>
}

/** What a role measured, by name. */
export type Measured = Readonly<Record<string, number>>

/** Between a child and its parent. */
export type FromChild =
  | { readonly type: "told"; readonly tag: string; readonly data: Json }
  | { readonly type: "done"; readonly measured: Measured }
  | { readonly type: "failed"; readonly error: string }

export type ToChild = { readonly type: "told"; readonly tag: string; readonly data: Json }

/** What a child is started with, as JSON in its only argument. */
export interface Task {
  readonly implementation: string
  /** Directory of the checkout that stands as `before`. */
  readonly against?: string
  readonly workload: string
  readonly role: "server" | "client"
  readonly options: Options
  /** ms. The child ends itself after that, whatever its parent does. */
  readonly timeoutMs: number
}

/** How long and how much; `workloads/*` say what applies to them. */
export interface Options {
  readonly warmMs: number
  readonly measureMs: number
  /** Nodes of the mesh. */
  readonly nodes: number
  /** Idle peers whose memory is measured. */
  readonly peers: number
  /** Idle peers whose CPU time is measured, and for how many ms. */
  readonly idlePeers: number
  readonly idleMs: number
  /** Peer counts for the cost of a message. */
  readonly crowds: ReadonlyArray<number>
  /** Blocks of the chain that is synced. */
  readonly blocks: number
}
