/**
 * Memory of this process. `process.memoryUsage` reads /proc/self/stat, for which Linux first adds up the processor time of every thread: that takes
 * milliseconds while they are busy. /proc/self/statm has the pages alone.
 */
import { readFileSync } from "node:fs"
import { getHeapStatistics } from "node:v8"

export interface ProcessMemory {
  readonly residentBytes: number
  readonly heapBytes: number
  readonly heapLimitBytes: number
  /** Outside the heap, held by its objects. */
  readonly externalBytes: number
}

/** Resident pages; `undefined` where there is no such file. */
const residentPages = (): number | undefined => {
  try {
    const [, resident] = readFileSync("/proc/self/statm", "latin1").split(" ")
    return Number(resident)
  } catch {
    return undefined
  }
}

/** No file says how long a page is: a power of two, from what Node says of the same memory. */
const pageBytesOf = (pages: number): number => 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages))
let pageBytes: number | undefined

const residentBytes = (): number => {
  const pages = residentPages()
  if (pages === undefined) return process.memoryUsage.rss()
  pageBytes ??= pageBytesOf(pages)
  return pages * pageBytes
}

export const read = (): ProcessMemory => {
  const heap = getHeapStatistics()
  return {
    residentBytes: residentBytes(),
    heapBytes: heap.used_heap_size,
    heapLimitBytes: heap.heap_size_limit,
    externalBytes: heap.external_memory
  }
}
