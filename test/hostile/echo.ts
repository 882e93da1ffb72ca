/**
 * A bare echo server of `node:net`: what the machine itself can do under the same load. `node echo.ts TLS IP PORT…`: at each of the ports, for
 * an attack on the admin API as well; over TLS at the first, where TLS is a certificate and key as JSON.
 */
import * as Net from "node:net"
import * as NodeTls from "node:tls"

const [, , tls = "null", ip = "127.0.0.1", ...ports] = process.argv
const certificate: NodeTls.TlsOptions | null = JSON.parse(tls)
const echo = (socket: Net.Socket) => {
  socket.on("error", () => {})
  socket.pipe(socket)
}
const server = (isFirst: boolean): Net.Server =>
  isFirst && certificate !== null
    ? NodeTls.createServer({
      ...certificate,
      ALPNProtocols: ["timemesh/1"],
      requestCert: true,
      rejectUnauthorized: false
    }, echo)
      .on("tlsClientError", () => {})
    : Net.createServer({ noDelay: true }, echo)
process.on("disconnect", () => process.exit(0))
const listening = ports.map((port, at) =>
  new Promise<void>((resolve) => void server(at === 0).listen(Number(port), ip, 128, resolve))
)
void Promise.all(listening).then(() => process.send?.("listening"))
