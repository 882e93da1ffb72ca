/**
 * A program against the admin API that knows nothing of timemesh but the description which the node serves: its types are made of that. It calls every
 * operation, so each path, parameter, body and answer must exist for the compiler, and be what the node takes and gives.
 */
import createClient, { type Client } from "openapi-fetch"
import type { paths } from "./made/api.d.ts"

/** One call as it went over the wire. `text`: of the answer, but for a stream. */
export interface Call {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly text: string | undefined
}

export const must: (holds: boolean, what: string) => asserts holds = (holds, what) => {
  if (!holds) throw new Error(`the client finds that ${what} does not hold`)
}

/** The call's answer, which must be a good one. */
const good = async <A>(
  call: Promise<{ readonly data?: A; readonly error?: unknown; readonly response: Response }>
): Promise<A> => {
  const { data, error, response } = await call
  if (data === undefined) throw new Error(`${response.url}: ${response.status} ${JSON.stringify(error)}`)
  return data
}

const questions = async (node: Client<paths>) => {
  const status = await good(node.GET("/status"))
  must(status.network === "devnet" && status.connected === 0, "a node alone on devnet")
  must(status.verdict?.ok === false, "a verdict about it")
  must((status.chain?.height ?? -1) === 0, "a chain of its genesis")
  const peers = await good(node.GET("/peers"))
  must(peers.peers.length === status.known && peers.open === 0, "as many rows as peers known")
  must((await good(node.GET("/masternodes"))).masternodes.length === 0, "an empty registry")
  must(
    (await good(node.GET("/why/{ip}", { params: { path: { ip: "203.0.113.9" } } }))).situation === "unknown",
    "an unknown address"
  )
  must((await good(node.GET("/bans"))).bans.length === 0, "no ban")
  must((await good(node.GET("/health/live"))).live, "a process that answers")
  must((await node.GET("/health/ready")).error !== undefined, "a node without peers that is not ready")
  must(/^timemesh_peers\{/m.test(await good(node.GET("/metrics", { parseAs: "text" }))), "metrics in text")
  must((await good(node.GET("/own"))).notices.length > 0, "a notice about an address that no peer has seen")
  const { settings } = await good(node.GET("/settings"))
  must(
    settings.some(({ name, values }) => name === "network" && values[0] === "devnet"),
    "the setting that it was started with"
  )
  must((await good(node.GET("/resources"))).memory.residentBytes > 0, "memory in use")
  must((await good(node.GET("/refusals"))).turnedAway === 0, "no socket turned away")
  must((await good(node.GET("/clock"))).of === 0, "no peer that shows a clock")
  must((await good(node.GET("/book", { params: { query: { count: 1 } } }))).addresses.length === 0, "an empty book")
  const stream = await good(node.GET("/events", { params: { query: { last: 1 } }, parseAs: "stream" }))
  const { value } = await (stream as unknown as ReadableStream<Uint8Array>).getReader().read()
  must(new TextDecoder().decode(value).includes("event: start"), "a stream that begins with its start")
}

const commands = async (node: Client<paths>) => {
  const peer = "127.0.0.9"
  must((await good(node.POST("/connect", { body: { address: `${peer}:9` } }))).ip === peer, "a peer that is named")
  must(
    (await good(node.GET("/peers"))).peers.some(({ ip, source }) => ip === peer && source === "configured"),
    "it in the table"
  )
  must((await good(node.GET("/trace/{ip}", { params: { path: { ip: peer } } }))).steps.length > 0, "its trace")
  must((await good(node.GET("/story/{ip}", { params: { path: { ip: peer } } }))).lines.length > 0, "its story")
  must(!(await good(node.POST("/disconnect", { body: { ip: peer } }))).disconnected, "no connection to close")
  must(
    (await good(node.POST("/ban", { body: { subnet: "198.51.100.0/24", forMs: 60_000, reason: "test" } }))).by ===
      "operator",
    "a ban"
  )
  must(
    (await good(node.POST("/unban", { body: { subnet: "198.51.100.0/24" } }))).unbanned === "198.51.100.0/24",
    "its end"
  )
  must(!(await good(node.POST("/trust", { body: { ip: peer } }))).forgotten, "no key to forget")
  must((await good(node.POST("/isolate", { body: { ips: [] } }))).isolated === 0, "no isolation")
}

/** What is refused is refused as the description says. */
const refusals = async (node: Client<paths>, stranger: Client<paths>) => {
  const bad = await node.GET("/why/{ip}", { params: { path: { ip: "no-address" } } })
  must(bad.response.status === 400 && (bad.error?.message ?? "").includes("no-address"), "an address that is none")
  const none = await node.GET("/trace/{ip}", { params: { path: { ip: "203.0.113.9" } } })
  must(none.response.status === 404 && none.error !== undefined, "an address without a trace")
  const alone = await stranger.POST("/unban", { body: { subnet: "198.51.100.0/24" } })
  must(alone.response.status === 401 && alone.error?._tag === "Unauthorized", "a command without a token")
  const malformed = await node.POST("/ban", { body: { subnet: 7 } as never })
  must(malformed.response.status === 400 && malformed.error !== undefined, "a malformed body")
  const page = await node.GET("/book", { params: { query: { count: -1 } } })
  must(page.response.status === 400 && page.error !== undefined, "a page of less than nothing")
  const type = await node.POST("/unban", { body: { subnet: "x" }, headers: { "Content-Type": "text/plain" } })
  must(type.response.status === 415 && type.error !== undefined, "a body that is no JSON")
  const site = await node.GET("/status", { headers: { Origin: "http://elsewhere.example" } })
  must(site.response.status === 403 && site.error !== undefined, "another site's page")
}

/** Calls all of it. `baseUrl`: of the node; `token`: its own. */
export const run = async (baseUrl: string, token: string): Promise<ReadonlyArray<Call>> => {
  const calls: Array<Call> = []
  const client = (headers: Record<string, string>) => {
    const made = createClient<paths>({ baseUrl, headers })
    made.use({
      onResponse: async ({ request, response, schemaPath }) => {
        const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true
        const text = isStream ? undefined : await response.clone().text()
        calls.push({ method: request.method.toLowerCase(), path: schemaPath, status: response.status, text })
      }
    })
    return made
  }
  const node = client({ Authorization: `Bearer ${token}` })
  await questions(node)
  await commands(node)
  await refusals(node, client({}))
  return calls
}
