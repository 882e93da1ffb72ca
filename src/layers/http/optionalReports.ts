/** Reports of services that a node may lack: then `None`. The outer effect finds the service, the inner one reads its report. */
import { Effect, Option } from "effect"
import { Masternodes } from "../../services/Masternodes.ts"
import { Sync } from "../../services/Sync.ts"

export const syncReport = Effect.map(
  Effect.serviceOption(Sync),
  (found) => Effect.transposeOption(Option.map(found, ({ report }) => report))
)

export const masternodeReport = Effect.map(
  Effect.serviceOption(Masternodes),
  (found) => Effect.transposeOption(Option.map(found, ({ report }) => report))
)
