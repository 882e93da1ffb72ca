/** What answers look like that are written without the API's encoder: as with it. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { HttpServerResponse } from "effect/http"
import { Masternodes, Status } from "../../../src/layers/http/AdminApi.ts"
import { jsonAnswer } from "../../../src/layers/http/jsonAnswer.ts"
import { Peers } from "../../../src/layers/http/PeerApi.ts"

const textOf = ({ body }: HttpServerResponse.HttpServerResponse): string =>
  body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : assert.fail(`a body of kind ${body._tag}`)

const parsed = (response: HttpServerResponse.HttpServerResponse): unknown => JSON.parse(textOf(response))

/** As the API's encoder writes it. */
const encoded = <A>(schema: Schema.Codec<A>, value: A): unknown =>
  JSON.parse(JSON.stringify(Schema.encodeSync(schema)(value)))

describe("an answer as JSON", () => {
  const answers = { status: jsonAnswer(Status), peers: jsonAnswer(Peers), masternodes: jsonAnswer(Masternodes) }
  const options = { arbitrary: { runs: 50 } }

  it.prop(
    "of the status is what the API's encoder makes",
    [Status],
    ([value]) => assert.deepStrictEqual(parsed(answers.status(value)), encoded(Status, value)),
    options
  )

  it.prop(
    "of the peers is what the API's encoder makes",
    [Peers],
    ([value]) => assert.deepStrictEqual(parsed(answers.peers(value)), encoded(Peers, value)),
    options
  )

  it.prop(
    "of the masternodes is what the API's encoder makes",
    [Masternodes],
    ([value]) => assert.deepStrictEqual(parsed(answers.masternodes(value)), encoded(Masternodes, value)),
    options
  )

  const Row = Schema.Struct({
    ip: Schema.String,
    port: Schema.optional(Schema.Int),
    inner: Schema.optional(Schema.Struct({ a: Schema.Int })),
    counts: Schema.Record(Schema.String, Schema.Int)
  })

  it("leaves out absent fields and those that the schema does not have, at every depth", () => {
    const row = { ip: "10.0.0.1", port: undefined, inner: { a: 1, b: 2 }, counts: { x: 1 }, secret: true }
    const answer = jsonAnswer(Schema.Struct({ rows: Schema.Array(Row) }))
    assert.strictEqual(textOf(answer({ rows: [row] })), `{"rows":[{"ip":"10.0.0.1","inner":{"a":1},"counts":{"x":1}}]}`)
    assert.strictEqual(answer({ rows: [] }).headers["content-type"], "application/json")
  })

  it("refuses a schema whose values are not JSON themselves", () => {
    assert.throws(() => jsonAnswer(Schema.Struct({ at: Schema.DateFromString }) as never), "needs the API's encoder")
  })
})
