/** `timemesh/testing`: nodes inside one process for the tests of those who embed timemesh, and what to await of them. */
export * as Await from "./Await.ts"
export * as TestNode from "./TestNode.ts"
