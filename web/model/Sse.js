/** The format of server-sent events. Read by hand, because a browser's `EventSource` cannot send a token. */
import * as bounds from "./bounds.js"

/** @typedef {{ readonly id: string | undefined, readonly event: string, readonly data: string }} Message */

/** @type {(block: string) => Message | undefined} */
const messageOf = (block) => {
  /** @type {string | undefined} */
  let id
  let event = "message"
  /** @type {Array<string>} */
  const data = []
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":")
    const [field, value] = colon < 0
      ? [line, ""]
      : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")]
    if (field === "id") id = value
    else if (field === "event") event = value
    else if (field === "data") data.push(value)
  }
  return data.length === 0 ? undefined : { id, event, data: data.join("\n") }
}

/**
 * The whole messages of `rest` and what came after it, and what is left for the next time. `rest: undefined`: a message is too long.
 * @type {(rest: string, chunk: string) => { readonly messages: ReadonlyArray<Message>, readonly rest: string | undefined }}
 */
export const read = (rest, chunk) => {
  const blocks = `${rest}${chunk}`.replaceAll("\r\n", "\n").split("\n\n")
  const left = blocks.pop() ?? ""
  return {
    messages: blocks.flatMap((block) => messageOf(block) ?? []),
    rest: left.length > bounds.eventCharacters ? undefined : left
  }
}
