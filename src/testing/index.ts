/** `timemesh/testing`: nodes inside one process, waits for their state, a raw peer that can send anything, and sockets that know every peer. For tests of programs that embed timemesh. */
export * as Await from "./Await.ts"
export * as KnownPeers from "./KnownPeers.ts"
export { moving } from "./moving.ts"
export * as RawPeer from "./RawPeer.ts"
export * as TestNode from "./TestNode.ts"
