/** The TIME wire as a `Framing`: `TimeMessage` defines its messages, `TimeEncoder` their encoding. */
import * as Limits from "../../Limits.ts"
import type { Framing } from "../Wire.ts"
import type { TimeMessage } from "./TimeMessage.ts"
import { TimeReader } from "./TimeReader.ts"

export const TimeFraming: Framing<TimeMessage> = {
  name: "TIME",
  // A frame before Up is a Handshake, an Ack or a ForkAlert: 600 bytes. There are no application channels.
  limits: { beforeUp: Limits.frameBeforeUpBytes, up: Limits.frameBytes, payload: 0 },
  reader: (allocate) => new TimeReader(allocate)
}
