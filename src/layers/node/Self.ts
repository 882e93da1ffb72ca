/** The command line that starts `timemesh` itself, for commands that run it in child processes: `[node, …flags of node, main.js]`. */
export type Self = readonly [command: string, ...args: ReadonlyArray<string>]
