/** Splits a connected testnet in two halves for a while, through its nodes' admin APIs. */
import { Clock, Effect, Schedule } from "effect"
import * as Limits from "../domain/Limits.ts"
import type { AdminClient } from "../layers/http/AdminClient.ts"
import type { Cut } from "./Facts.ts"

interface Half {
  readonly ip: string
  readonly client: AdminClient
}

/** The halves: the lower addresses (one more if the number is odd), and the rest. */
export const halves = <A>(members: ReadonlyArray<A>): readonly [ReadonlyArray<A>, ReadonlyArray<A>] => {
  const middle = Math.ceil(members.length / 2)
  return [members.slice(0, middle), members.slice(middle)]
}

const isolate = (those: ReadonlyArray<Half>, from: ReadonlyArray<Half>) =>
  Effect.forEach(those, ({ client }) => Effect.ignore(client.isolate(from.map(({ ip }) => ip))), {
    concurrency: "unbounded",
    discard: true
  })

/** `report` receives the cut when it begins, and again when it has healed. */
export const run = Effect.fnUntraced(function*(options: {
  readonly members: ReadonlyArray<Half>
  readonly seconds: number
  readonly isWhole: Effect.Effect<boolean>
  readonly report: (cut: Cut) => Effect.Effect<void>
}) {
  const { isWhole, members, report, seconds } = options
  yield* Effect.repeat(isWhole, { until: (whole) => whole, schedule: Schedule.spaced(Limits.testnetLookMs) })
  const [left, right] = halves(members)
  const cutAt = yield* Clock.currentTimeMillis
  const cut = { left: left.map(({ ip }) => ip), cutAt }
  yield* report({ ...cut, healedAt: undefined })
  yield* Effect.all([isolate(left, right), isolate(right, left)], { concurrency: 2, discard: true })
  yield* Effect.sleep(seconds * 1_000)
  yield* isolate(members, [])
  yield* report({ ...cut, healedAt: yield* Clock.currentTimeMillis })
})
