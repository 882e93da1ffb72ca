/** What a node says of its memory is what the runtime says of it. */
import { assert, describe, it } from "@effect/vitest"
import * as ProcessMemory from "../../../src/layers/http/processMemory.ts"

describe("memory of the process", () => {
  it("is about what Node says, in whole bytes", () => {
    const { externalBytes, heapBytes, heapLimitBytes, residentBytes } = ProcessMemory.read()
    const { heapTotal, rss } = process.memoryUsage()
    // Other threads of the tests allocate meanwhile; a wrong length of a page would be off by two at least.
    assert(residentBytes > rss / 1.4 && residentBytes < rss * 1.4, `${residentBytes} bytes resident, Node says ${rss}`)
    assert(heapBytes > 0 && heapBytes <= heapLimitBytes && heapBytes < 2 * heapTotal)
    for (const bytes of [residentBytes, heapBytes, heapLimitBytes, externalBytes]) assert(Number.isInteger(bytes))
  })
})
