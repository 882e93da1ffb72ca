/** Handlers for supervisors and monitoring. */
import { Effect, Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { samplesOf } from "../../domain/metrics/samples.ts"
import { monotonicMs } from "../time/monotonicMs.ts"
import { AdminApi } from "./AdminApi.ts"
import { NotReady } from "./HealthApi.ts"
import * as MetricsPage from "./MetricsPage.ts"
import * as NodeHealth from "./NodeHealth.ts"
import { present } from "./present.ts"

const live = (startedAt: number) =>
  HttpApiBuilder.group(AdminApi, "live", (handlers) =>
    handlers.handleAll({
      live: () => Effect.map(monotonicMs, (now) => ({ live: true as const, uptimeMs: Math.round(now - startedAt) }))
    }))

const health = (startedAt: number) =>
  HttpApiBuilder.group(
    AdminApi,
    "health",
    Effect.fnUntraced(function*(handlers) {
      const health = yield* NodeHealth.make
      const facts = yield* MetricsPage.facts(startedAt)
      return handlers.handleAll({
        ready: () =>
          Effect.flatMap(health, ({ verdict }) => {
            const answer = present(NodeHealth.toApi(verdict))
            return verdict.isReady
              ? Effect.succeed(answer)
              : Effect.fail(new NotReady({ message: verdict.text, verdict: answer }))
          }),
        metrics: () => Effect.map(facts, (found) => MetricsPage.format(samplesOf(found)))
      })
    })
  )

/** `startedAt`: monotonic ms of the start. */
export const layer = (startedAt: number) => Layer.mergeAll(live(startedAt), health(startedAt))
