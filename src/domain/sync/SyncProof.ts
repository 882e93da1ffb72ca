/** Which sync faults prove that a peer is not honest: only those count towards a ban. */
import type { OffenceKind } from "../protection/Offence.ts"
import type { SyncFault } from "./SyncState.ts"

/**
 * `undefined`: an honest peer may show this fault. A slow link, a stalled process or a full disk make a peer `unresponsive`, `stalled` or
 * `withheld`. An operator's rewind during a request causes `inflated-height` or `empty-headers`.
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
