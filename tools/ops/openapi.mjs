/** What Redocly's linter says of the API's description, by its strictest set of rules: nothing is to be left. */
import { BaseResolver, createConfig, lintDocument, makeDocumentFromString } from "@redocly/openapi-core"

/** Problems in words. `text`: the description as JSON. */
export const openapi = async (text) => {
  const problems = await lintDocument({
    document: makeDocumentFromString(text, "openapi.json"),
    config: await createConfig({ extends: ["recommended-strict"] }),
    externalRefResolver: new BaseResolver()
  })
  return problems.map(({ location, message, ruleId }) => `${ruleId} at ${location[0]?.pointer ?? "?"}: ${message}`)
}
