/** One process of a pair: loads one implementation and one workload, plays its role, reports, and ends with its parent. */
import { names } from "../impl/Implementation.ts"
import { load } from "../impl/load.ts"
import { workloads } from "../workloads/all.ts"
import type { FromChild, Json, Peer, Task, ToChild } from "./Peer.ts"

const task: Task = JSON.parse(process.argv[2] ?? "{}")
const say = (message: FromChild) => void process.send?.(message)

process.on("disconnect", () => process.exit(0))
setTimeout(() => process.exit(3), task.timeoutMs).unref()

const heard = new Map<string, Array<Json>>()
const waiting = new Map<string, Array<(data: Json) => void>>()
process.on("message", (message: ToChild) => {
  const waiter = waiting.get(message.tag)?.shift()
  if (waiter === undefined) heard.set(message.tag, [...heard.get(message.tag) ?? [], message.data])
  else waiter(message.data)
})

const peer: Peer = {
  tell: (tag, data) => say({ type: "told", tag, data }),
  hear: (tag) => {
    const data = heard.get(tag)?.shift()
    if (data !== undefined) return Promise.resolve(data)
    return new Promise((resolve) => waiting.set(tag, [...waiting.get(tag) ?? [], resolve]))
  }
}

const failed = (error: unknown) => {
  say({ type: "failed", error: error instanceof Error ? error.stack ?? error.message : String(error) })
}
process.on("uncaughtException", failed)
process.on("unhandledRejection", failed)

const name = names.find((known) => known === task.implementation)
const workload = workloads[task.workload]
if (name === undefined || workload === undefined) throw new Error(`unknown task ${process.argv[2]}`)
try {
  const measured = await workload[task.role]?.(await load(name, task.against), peer, task.options)
  say({ type: "done", measured: measured ?? {} })
} catch (error) {
  failed(error)
}
