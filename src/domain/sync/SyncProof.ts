/** Which faults of sync prove that the peer is no honest node: only those count towards a ban. */
import type { OffenceKind } from "../protection/Offence.ts"
import type { SyncFault } from "./SyncState.ts"

/**
 * `undefined`: an honest peer may look so. A slow link, a stalled process or a full disk make it `unresponsive`, `stalled` or `withheld`; a
 * chain that its operator rewound while it was asked leaves an `inflated-height` or `empty-headers`.
 */
export const offenceOf = (fault: SyncFault): OffenceKind | undefined => {
  switch (fault) {
    case "bad-header":
      return "false-header"
    case "bad-block":
    case "wrong-block":
      return "false-block"
    case "protocol":
      return "protocol"
    case "withheld":
    case "inflated-height":
    case "empty-headers":
    case "unresponsive":
    case "stalled":
      return undefined
  }
}
