/** `node:http` with an answer that is ready, on a thread of its own in the node's process: what of an answer's time is the machine's. */
import { createServer } from "node:http"
import { parentPort, workerData } from "node:worker_threads"

const { bytes } = workerData as { readonly bytes: number }
const body = Buffer.alloc(bytes, "x")
const server = createServer((_, response) => response.end(body))
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  parentPort?.postMessage(typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "", [])
})
