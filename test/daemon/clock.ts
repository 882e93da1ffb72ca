/** Answers what time it is (NTP), as a thread: the checks themselves are busy at times, and a daemon that is not answered within 5 s ends. */
import { createSocket } from "node:dgram"
import { workerData } from "node:worker_threads"

/** Between 1900, from where NTP counts, and 1970, s. */
const ntpOffset = 2_208_988_800

const socket = createSocket("udp4", (_, { address, port }) => {
  const answer = Buffer.alloc(48)
  answer[0] = 0x24
  answer[1] = 1
  const now = (performance.timeOrigin + performance.now()) / 1_000 + ntpOffset
  for (const at of [16, 24, 32, 40]) {
    answer.writeUInt32BE(Math.floor(now), at)
    answer.writeUInt32BE(Math.floor((now % 1) * 2 ** 32), at + 4)
  }
  socket.send(answer, port, address)
})
socket.bind(123, String(workerData))
