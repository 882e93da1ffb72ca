/** `timemesh/testing`: nodes inside one process for the tests of those who embed timemesh, what to await of them, and a peer that says anything. */
export * as Await from "./Await.ts"
export * as RawPeer from "./RawPeer.ts"
export * as TestNode from "./TestNode.ts"
