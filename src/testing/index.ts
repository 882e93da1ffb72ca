/** `timemesh/testing`: nodes inside one process, waits for their state, and a raw peer that can send anything. For tests of programs that embed timemesh. */
export * as Await from "./Await.ts"
export * as RawPeer from "./RawPeer.ts"
export * as TestNode from "./TestNode.ts"
