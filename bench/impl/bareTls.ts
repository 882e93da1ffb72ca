/** The baseline over TLS: the frames of `frames.ts` on `node:tls`, with the certificates and options that timemesh has, and nothing else. */
import { constants } from "node:crypto"
import type * as net from "node:net"
import * as tls from "node:tls"
import { makeCertificate, type Pem } from "../../src/layers/socket/makeCertificate.ts"
import { dial, link, listen } from "./bare.ts"
import { crowd, mesh } from "./generic.ts"
import type { Implementation } from "./Implementation.ts"

const options = ({ certificate: cert, privateKey: key }: Pem) => ({
  cert,
  key,
  rejectUnauthorized: false,
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  ALPNProtocols: ["timemesh/1"]
})

/** A connected socket whose handshake is done. */
export const dialTls = (pem: Pem) => async (address: string, ip: string): Promise<net.Socket> => {
  const socket = tls.connect({ ...options(pem), socket: await dial(address, ip), servername: "timecoin.local" })
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve)
    socket.once("error", reject)
  })
  return socket
}

const certificate = await makeCertificate()

const base: Pick<Implementation, "serve" | "connect"> = {
  serve: ({ ip, onLink }) => {
    const server = tls.createServer(
      { ...options(certificate), requestCert: true },
      (socket) => onLink(link(socket.on("error", () => {})))
    )
    return listen(ip, (socket) => server.emit("connection", socket.on("error", () => {})))
  },
  connect: async (address, ip) => link(await dialTls(certificate)(address, ip))
}

export const implementation: Implementation = { ...base, crowd: crowd(base), mesh: mesh(base) }
