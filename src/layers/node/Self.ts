/** How to start `timemesh` itself, for commands that run it in processes of their own: `[node, …flags of node, main.js]`. */
export type Self = readonly [command: string, ...args: ReadonlyArray<string>]
