/** Handlers of the event endpoints. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as Limits from "../../domain/Limits.ts"
import { AdminApi } from "./AdminApi.ts"
import * as EventFeed from "./EventFeed.ts"
import { TooManyReaders } from "./EventsApi.ts"

export const layer = HttpApiBuilder.group(
  AdminApi,
  "events",
  Effect.fnUntraced(function*(handlers) {
    const feed = yield* EventFeed.EventFeed
    return handlers.handleAll({
      events: ({ headers, query, request }) =>
        feed.hasRoom()
          ? Effect.succeed(
            feed.read(
              { lastEventId: headers["last-event-id"], last: query.last ?? 0 },
              EventFeed.cutOff(request)
            )
          )
          : Effect.fail(
            new TooManyReaders({
              message: `${Limits.eventReaders} programs read the events already; close one of them, then ask again`
            })
          )
    })
  })
)
