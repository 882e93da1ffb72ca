/** Lets the node's other threads run before this one when they want the same CPU. */
import { readlinkSync } from "node:fs"
import { getPriority, setPriority } from "node:os"
import * as Limits from "../../domain/Limits.ts"

/**
 * Lowers the priority of the calling thread. On Linux each thread has its own, and `/proc/thread-self` names it (`<process>/task/<thread>`). Elsewhere, and
 * where the system forbids it, nothing changes: work is done as before, only answers may wait for it.
 */
export const giveWay = (): void => {
  try {
    const thread = Number(readlinkSync("/proc/thread-self").split("/").at(-1))
    if (thread !== process.pid) setPriority(thread, Math.max(getPriority(thread), Limits.storeThreadNice))
  } catch {
    // Not Linux, or no /proc.
  }
}
