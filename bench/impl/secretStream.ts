/**
 * `@hyperswarm/secret-stream` on `node:net`: Noise XX, then one encrypted message per write. A batch is packed into one
 * write, because one encryption per 100 bytes would cost it most of its speed.
 */
import NoiseSecretStream from "@hyperswarm/secret-stream"
import { dial, listen } from "./bare.ts"
import { encodeOne, parser } from "./frames.ts"
import { crowd, mesh } from "./generic.ts"
import type { Implementation, Link } from "./Implementation.ts"

const link = (stream: NoiseSecretStream): Link => {
  let waiting: PromiseWithResolvers<void> | undefined
  stream.on("drain", () => {
    waiting?.resolve()
    waiting = undefined
  })
  return {
    send: (payloads) => {
      if (stream.write(encodeOne(payloads))) return undefined
      waiting ??= Promise.withResolvers()
      return waiting.promise
    },
    receive: (handler) => void stream.on("data", parser(handler))
  }
}

const base: Pick<Implementation, "serve" | "connect"> = {
  serve: ({ ip, onLink }) =>
    listen(ip, (socket) => {
      const stream = new NoiseSecretStream(false, socket)
      stream.on("error", () => stream.destroy())
      stream.on("connect", () => onLink(link(stream)))
    }),
  connect: async (address, ip) => {
    const stream = new NoiseSecretStream(true, await dial(address, ip))
    stream.on("error", () => stream.destroy())
    if (!await stream.opened) throw new Error("secret-stream: handshake failed")
    return link(stream)
  }
}

export const implementation: Implementation = { ...base, crowd: crowd(base), mesh: mesh(base) }
