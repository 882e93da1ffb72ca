/**
 * What a process still refers to, once the engine has collected everything else. Resident memory grows while a heap finds its size; this does not.
 *
 * Asked of V8's inspector, which the soak's nodes listen with on a free port of loopback: they say its address on standard error, which is in their log.
 */
import { Effect, FileSystem, Schema } from "effect"
import type { Scope } from "effect"

/** Flags of `node` that a process needs for it. */
export const flags = ["--inspect=127.0.0.1:0"] as const

/** ms. A busy machine takes its time; a process without an answer has no live memory in that sample. */
const answerMs = 20_000

const Answer = Schema.fromJsonString(Schema.Struct({
  id: Schema.optional(Schema.Int),
  result: Schema.optional(Schema.Struct({
    usedSize: Schema.optional(Schema.Finite),
    embedderHeapUsedSize: Schema.optional(Schema.Finite),
    backingStorageSize: Schema.optional(Schema.Finite)
  }))
}))
const decode = Schema.decodeUnknownOption(Answer)

/** Where the latest process that wrote this log can be asked. */
export const addressIn = (log: string): string | undefined =>
  [...log.matchAll(/^Debugger listening on (ws:\/\/\S+)$/gm)].at(-1)?.[1]

/** A session of the inspector, closed again: each that stays open is a descriptor of the process, and memory that it refers to. */
const session = (url: string): Effect.Effect<WebSocket, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.sync(() => new WebSocket(url)), (socket) => Effect.sync(() => socket.close()))

/** KiB: objects of the heap, and the buffers behind them. */
const ask = (socket: WebSocket): Effect.Effect<number | undefined> =>
  Effect.callback((resume) => {
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify({ id: 1, method: "HeapProfiler.collectGarbage" }))
      socket.send(JSON.stringify({ id: 2, method: "Runtime.getHeapUsage" }))
    })
    socket.addEventListener("message", ({ data }) => {
      const answer = decode(data)
      if (answer._tag === "None" || answer.value.id !== 2) return
      const { backingStorageSize = 0, embedderHeapUsedSize = 0, usedSize } = answer.value.result ?? {}
      resume(Effect.succeed(
        usedSize === undefined ? undefined : Math.round((usedSize + embedderHeapUsedSize + backingStorageSize) / 1_024)
      ))
    })
    for (const event of ["error", "close"]) socket.addEventListener(event, () => resume(Effect.undefined))
  })

/** `undefined` when the process is gone or does not answer. */
export const of = (logFile: string): Effect.Effect<number | undefined, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const url = addressIn(yield* fs.readFileString(logFile))
    return url === undefined ? undefined : yield* Effect.scoped(Effect.flatMap(session(url), ask))
  }).pipe(Effect.timeout(answerMs), Effect.orElseSucceed(() => undefined))
