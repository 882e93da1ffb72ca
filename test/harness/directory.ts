/** A test's own directory, empty at first and gone afterwards, and what the code under test logs meanwhile. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, FileSystem, Logger, type Scope } from "effect"
import { TestConsole } from "effect/testing"

export const withDirectory = <A, E>(
  body: (
    directory: string,
    fs: FileSystem.FileSystem
  ) => Effect.Effect<A, E, NodeServices.NodeServices | Scope.Scope>
) =>
  Effect.scoped(Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    return yield* body(yield* fs.makeTempDirectoryScoped(), fs)
  })).pipe(Effect.provide([
    NodeServices.layer,
    TestConsole.layer,
    Logger.layer([Logger.withConsoleLog(Logger.formatSimple)])
  ]))

/** Everything logged so far, one line each. */
export const logged = Effect.map(TestConsole.logLines, (lines) => lines.map(String).join("\n"))
