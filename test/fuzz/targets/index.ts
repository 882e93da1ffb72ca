/** All targets, in the order of the table. */
import type { Target } from "../Target.ts"
import * as AddressList from "./AddressList.ts"
import * as Admin from "./Admin.ts"
import * as Block from "./Block.ts"
import * as ChainFile from "./ChainFile.ts"
import * as Config from "./Config.ts"
import * as Frame from "./Frame.ts"
import * as Handshake from "./Handshake.ts"
import * as MasternodeTalk from "./MasternodeTalk.ts"
import * as Message from "./Message.ts"
import * as NodeFile from "./NodeFile.ts"
import * as StoredRows from "./StoredRows.ts"
import * as SyncTalk from "./SyncTalk.ts"
import * as TimeMessage from "./TimeMessage.ts"

export const targets: ReadonlyArray<Target> = [
  Frame.target,
  Message.target,
  Handshake.target,
  MasternodeTalk.target,
  Block.target,
  Config.target,
  AddressList.target,
  NodeFile.target,
  Admin.target,
  ChainFile.target,
  StoredRows.target,
  SyncTalk.target,
  TimeMessage.target
]
