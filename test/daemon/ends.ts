/** What both ends of a connection say of it. */
import type { OurNode } from "./OurNode.ts"
import type { TimedProcess } from "./TimedProcess.ts"
import { Failed, until } from "./Wait.ts"

/** Waits until the node has a connection with the daemon, of that direction if given. */
export const connected = async (
  node: OurNode,
  daemon: TimedProcess,
  seconds: number,
  direction?: "inbound" | "outbound"
): Promise<{ readonly words: string; readonly seconds: number }> => {
  const { seconds: took, value } = await until(`${node.ip} has a connection with the daemon`, seconds, async () => {
    const one = await node.connection(daemon.ip).catch(() => undefined)
    return one?.wire === "time" && (direction === undefined || one.direction === direction) ? one : undefined
  })
  return { words: `ours: ${value.direction}, ${value.socket}`, seconds: took }
}

/** The daemon holds nothing against anybody. */
export const noGrudge = async (daemon: TimedProcess): Promise<string> => {
  const grudges = await daemon.grudges().catch((error: unknown) => {
    // Versions of 2062 and around do not have it.
    if (String(error).includes("Method not found")) return undefined
    throw error
  })
  if (grudges === undefined) return "getbanlist: not in this version"
  if (grudges !== "") throw new Failed({ message: `the daemon's getbanlist: ${grudges}` })
  return "getbanlist: empty"
}

/** It counts as many sockets as it should, within that time, s. */
export const counted = async (daemon: TimedProcess, count: number, seconds = 30): Promise<string> => {
  const { value } = await until(`the daemon's getconnectioncount is ${count}`, seconds, async () => {
    const connections = await daemon.connections()
    return connections === count ? connections : undefined
  })
  return `getconnectioncount: ${value}`
}

/** Both are on this height with one hash. The result is how long that took, s. */
export const agreed = async (
  node: OurNode,
  daemon: TimedProcess,
  height: number,
  seconds: number
): Promise<{ readonly words: string; readonly seconds: number }> => {
  const { seconds: took, value } = await until(`both are at ${height} with one hash`, seconds, async () => {
    const ours = await node.tip()
    const its = await daemon.height()
    if (ours.height !== height || its !== height) return undefined
    return await daemon.hashAt(height) === ours.hash ? ours.hash : undefined
  })
  return { words: `both at ${height}, ${value.slice(0, 16)}`, seconds: took }
}
