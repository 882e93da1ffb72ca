/**
 * A bare echo server of `node:net`: what the machine itself can do under the same load. `node echo.ts IP PORT…`: at each of the ports, for
 * an attack on the admin API as well.
 */
import * as Net from "node:net"

const [, , ip = "127.0.0.1", ...ports] = process.argv
process.on("disconnect", () => process.exit(0))
const listening = ports.map((port) =>
  new Promise<void>((resolve) => {
    Net.createServer({ noDelay: true }, (socket) => {
      socket.on("error", () => {})
      socket.pipe(socket)
    }).listen(Number(port), ip, 128, resolve)
  })
)
void Promise.all(listening).then(() => process.send?.("listening"))
