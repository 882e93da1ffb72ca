import { assert, it } from "@effect/vitest"
import { told } from "../../src/cli/disconnect.ts"

it("timemesh disconnect says what it did: of a peer that is not connected, that its dials stop; of an unknown one, nothing", () => {
  assert.match(
    told("10.0.0.2", true, "stopped-here") ?? "",
    /^disconnected 10\.0\.0\.2; this node does not dial it until/
  )
  assert.match(
    told("10.0.0.2", false, "refused") ?? "",
    /^no connection to 10\.0\.0\.2 was up; this node does not dial it/
  )
  assert.isUndefined(told("10.0.0.2", false, "unknown"))
})
