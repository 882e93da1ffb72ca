/** A bare echo server of `node:net`: what the machine itself can do under the same load. `node echo.ts IP PORT`. */
import * as Net from "node:net"

const [, , ip = "127.0.0.1", port = "0"] = process.argv
process.on("disconnect", () => process.exit(0))
Net.createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => {})
  socket.pipe(socket)
}).listen(Number(port), ip, 128, () => process.send?.("listening"))
