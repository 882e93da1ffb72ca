/** Questions to the node. The token lives in this module's memory and goes nowhere but into the header of a request. */
import * as bounds from "./model/bounds.js"
import * as Sse from "./model/Sse.js"

/** @type {string | undefined} */
let token

/** @type {(text: string) => void} */
export const useToken = (text) => {
  token = text
}

/** The node wants a token, or another one. */
export class TokenNeeded extends Error {}

/** @type {(status: number, body: string) => string} */
const messageOf = (status, body) => {
  try {
    const { message } = JSON.parse(body)
    if (typeof message === "string") return message
  } catch {
    // Not of the node: what stands between answered.
  }
  return `the node answered with status ${status}`
}

/** @type {(path: string, more: RequestInit) => Promise<Response>} */
const request = async (path, more) => {
  const response = await fetch(path, {
    ...more,
    credentials: "omit",
    cache: "no-store",
    redirect: "error",
    headers: { ...more.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
  })
  if (response.ok) return response
  const message = messageOf(response.status, await response.text())
  throw response.status === 401 ? new TokenNeeded(message) : new Error(message)
}

/**
 * @template A
 * @param {string} path
 * @returns {Promise<A>}
 */
export const get = async (path) => (await request(path, { signal: AbortSignal.timeout(bounds.answerMs) })).json()

/**
 * Reads the node's events until the stream ends, and throws if it cannot be opened.
 * @type {(lastId: string | undefined, past: number, heard: (messages: ReadonlyArray<Sse.Message>) => void) => Promise<void>}
 */
export const events = async (lastId, past, heard) => {
  const response = await request(`events?last=${past}`, {
    headers: { accept: "text/event-stream", ...(lastId === undefined ? {} : { "last-event-id": lastId }) }
  })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (reader === undefined) return
  let rest = ""
  while (true) {
    const { done, value } = await reader.read()
    if (done) return
    const found = Sse.read(rest, value)
    if (found.messages.length > 0) heard(found.messages)
    if (found.rest === undefined) throw new Error("an event of the node is too long")
    rest = found.rest
  }
}
