/** The database's thread gives way to the others of its process: Linux only, where each thread has a priority. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { getPriority } from "node:os"
import { Worker } from "node:worker_threads"
import * as Limits from "../../../src/domain/Limits.ts"

const url = new URL("../../../src/layers/sql/giveWay.ts", import.meta.url).href
/** A thread that gives way, and says what priority it has then. */
const code = `
const { readlinkSync } = require("node:fs"), { getPriority } = require("node:os"), { parentPort } = require("node:worker_threads")
import(${JSON.stringify(url)}).then(({ giveWay }) => {
  giveWay()
  parentPort.postMessage(getPriority(Number(readlinkSync("/proc/thread-self").split("/").at(-1))))
})`

describe.skipIf(!existsSync("/proc/thread-self"))("giveWay", () => {
  it.live("lowers the priority of its own thread, and of no other", () =>
    Effect.promise(async () => {
      const before = getPriority()
      const [priority] = await once(new Worker(code, { eval: true }), "message")
      assert.strictEqual(priority, Math.max(before, Limits.storeThreadNice))
      assert.strictEqual(getPriority(), before)
    }))
})
