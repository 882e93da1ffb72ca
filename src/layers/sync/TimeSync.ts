/**
 * Sync with peers of the TIME network. To the planner and the other parts of sync, such a peer looks like any other. Messages to it are
 * translated to its wire, and its pages of blocks become the answers that sync expects (`domain/sync/HeightPaging`). So one chain may
 * arrive over both wires at once, and the same checks find a liar on either.
 */
import type * as Block from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as Limits from "../../domain/Limits.ts"
import * as HeightPaging from "../../domain/sync/HeightPaging.ts"
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import type { SyncMessage } from "../../domain/wire/SyncMessage.ts"
import type { TimeMessage } from "../../domain/wire/time/TimeMessage.ts"
import type { Origin } from "../../services/ConnectionManager.ts"
import type { PeerListener } from "../../services/PeerMessages.ts"
import type { Timer } from "../time/Timers.ts"
import { finish } from "./MessageTurns.ts"
import * as SyncAnnounced from "./SyncAnnounced.ts"
import * as SyncBodies from "./SyncBodies.ts"
import type { PeerLink, SyncContext } from "./SyncContext.ts"
import * as SyncHeaders from "./SyncHeaders.ts"
import * as SyncListener from "./SyncListener.ts"
import * as TimeServer from "./TimeServer.ts"

type Paging = HeightPaging.Paging<Block.Block>

/** State of one TIME peer besides its link. */
interface TimePeer {
  readonly origin: Origin
  readonly context: SyncContext
  link: PeerLink | undefined
  paging: Paging
  readonly serve: TimeServer.Queue
  pageTimer: Timer | undefined
  tipTimer: Timer | undefined
}

/** Listens to a node's connections with the TIME network, for sync. */
export const make = (context: SyncContext): PeerListener<TimeMessage> => {
  const peers = new Map<number, TimePeer>()
  const open = (origin: Origin, tip: SyncTip): TimePeer => {
    const peer: TimePeer = {
      origin,
      context,
      link: undefined,
      paging: HeightPaging.start({ height: tip.height, hash: Hash.fromHexUnsafe(tip.hash) }),
      serve: TimeServer.queue(context.timers.now()),
      pageTimer: undefined,
      tipTimer: undefined
    }
    peers.set(origin.connection, peer)
    const again = () => {
      close(peer)
      open(origin, { height: peer.paging.told.height, hash: Hash.toHex(peer.paging.told.hash) })
    }
    peer.link = SyncListener.opened(context, origin, tip, {
      again,
      say: (message) => say(peer, message),
      requests: () => peer.serve.waiting.length
    })
    askTips(peer)
    return peer
  }
  return {
    onUp: open,
    onDown: ({ connection }) => {
      const peer = peers.get(connection)
      peers.delete(connection)
      if (peer !== undefined) close(peer)
    },
    onMessage: ({ connection }, message) => {
      const peer = peers.get(connection)
      if (peer?.link !== undefined) received(peer, peer.link, message)
    },
    onProgress: ({ ip }) => {
      const link = context.links.get(ip)
      if (link !== undefined) link.progressed = true
    }
  }
}

const close = ({ context, origin, pageTimer, tipTimer }: TimePeer): void => {
  for (const timer of [pageTimer, tipTimer]) if (timer !== undefined) context.timers.disarm(timer)
  SyncListener.closed(context, origin)
}

const tell = ({ context, origin }: TimePeer, message: TimeMessage): boolean =>
  context.messages.sendTime(origin, message)

/** Asks for the peer's tip, now and every `Limits.timeTipMs`. */
const askTips = (peer: TimePeer): void => {
  tell(peer, { _tag: "GetChainTip" })
  peer.tipTimer = peer.context.timers.arm(Limits.timeTipMs, () => askTips(peer))
}

// --- messages from sync to the peer ------------------------------------------------

const say = (peer: TimePeer, message: SyncMessage): boolean => {
  const { context } = peer
  switch (message._tag) {
    case "GetHeaders": {
      const locator = context.headerRequests.get(message.request)?.locator ?? []
      const places = [...locator, { height: 0, hash: context.params.genesisHash }]
      const count = message.count ?? Limits.timePageBlocks
      page(peer, { _tag: "AskedHeaders", request: message.request, locator: places, count })
      return true
    }
    case "GetBlocks": {
      const hashes: Array<Hash.Hash> = []
      for (let at = 0; at < message.hashes.length; at += Hash.length) {
        hashes.push(message.hashes.subarray(at, at + Hash.length))
      }
      page(peer, { _tag: "AskedBlocks", request: message.request, from: message.from, hashes })
      return true
    }
    case "Tip":
      return announce(peer, message.height, message.hash)
    case "NewBlock": {
      const { hash, height } = context.state.chain
      return announce(peer, height, Hash.fromHexUnsafe(hash))
    }
    // Responses to requests that only native peers make.
    case "Headers":
    case "Blocks":
      return false
  }
}

/**
 * A height makes a peer that is one block behind ask for that block. The tip goes first: the peer follows a longer fork only to a tip that
 * the peers ahead of it have announced by height and hash.
 */
const announce = (peer: TimePeer, height: number, hash: Hash.Hash): boolean =>
  tell(peer, { _tag: "ChainTipResponse", height, hash }) && tell(peer, { _tag: "BlockInventory", height })

// --- pages ------------------------------------------------------------------------

const page = (peer: TimePeer, event: HeightPaging.Event<Block.Block>): void => {
  const [paging, actions] = HeightPaging.step(peer.paging, event, peer.context.timers.now())
  peer.paging = paging
  for (const action of actions) perform(peer, action)
}

const perform = (peer: TimePeer, action: HeightPaging.Action<Block.Block>): void => {
  const { context, origin } = peer
  switch (action._tag) {
    case "GetPage":
      tell(peer, { _tag: "GetBlocks", start: action.start, end: action.end })
      return
    case "GetHash":
      tell(peer, { _tag: "GetBlockHash", height: action.height })
      return
    case "GetTip":
      tell(peer, { _tag: "GetChainTip" })
      return
    case "GiveHeaders":
      return finish(SyncHeaders.received(context, origin.ip, {
        _tag: "Headers",
        request: action.request,
        after: action.after,
        list: BlockHeader.encodeList(action.blocks.map(({ block }) => block.header)).bytes,
        more: action.more
      }))
    case "GiveBlocks":
      return finish(SyncBodies.received(context, origin.ip, {
        _tag: "Blocks",
        request: action.request,
        blocks: action.blocks.map(({ bytes }) => bytes),
        done: action.done
      }))
    case "Lied":
      return context.machine.post({ _tag: "PeerLied", peer: origin.ip, fault: "protocol", detail: action.detail })
    case "Arm":
      if (peer.pageTimer !== undefined) context.timers.disarm(peer.pageTimer)
      peer.pageTimer = context.timers.arm(action.ms, () => {
        peer.pageTimer = undefined
        page(peer, { _tag: "Fired" })
      })
  }
}

const pagedOf = ({ hasher }: SyncContext, block: Block.Block): HeightPaging.Paged<Block.Block> => ({
  height: block.header.height,
  hash: BlockHeader.hash(hasher, block.header),
  previous: block.header.previousHash,
  size: block.bytes.length,
  block
})

// --- messages from the peer --------------------------------------------------------

const received = (peer: TimePeer, link: PeerLink, message: TimeMessage): void => {
  const { context, origin } = peer
  switch (message._tag) {
    case "GetBlocks":
    case "GetBlockRange":
    case "GetBlockHash":
    case "BlockRequest":
    case "RequestGenesis":
    case "GetChainWork":
    case "GetChainWorkAt":
      return TimeServer.requested(context, link, peer.serve, message)
    case "ChainTipResponse":
      return tipTold(peer, link, message.height, message.hash.slice())
    case "BlockInventory":
      return inventory(peer, message.height)
    case "BlocksResponse":
      return SyncListener.inTurn(
        context,
        link,
        sizeOf(message.blocks),
        () => page(peer, { _tag: "PageCame", blocks: message.blocks.map((block) => pagedOf(context, block)) })
      )
    case "TimeLockBlockProposal":
      return proposed(peer, message.block.header.height)
    case "BlockHashResponse":
      return page(peer, { _tag: "HashTold", height: message.height, hash: message.hash?.slice() })
    case "BlockResponse":
    case "BlockAnnouncement": {
      const { bytes } = message.block
      return SyncListener.inTurn(
        context,
        link,
        bytes.length,
        () => SyncAnnounced.blockReceived(context, origin.ip, { _tag: "NewBlock", block: bytes })
      )
    }
  }
}

const sizeOf = (blocks: ReadonlyArray<Block.Block>): number =>
  blocks.reduce((bytes, block) => bytes + block.bytes.length, Limits.waitingMessageBytes)

const tipTold = (peer: TimePeer, link: PeerLink, height: number, hash: Hash.Hash): void => {
  const { context, origin } = peer
  const isNew = height !== link.told.height || !Hash.equals(hash, link.told.hash)
  page(peer, { _tag: "TipTold", tip: { height, hash } })
  if (isNew) SyncAnnounced.tipReceived(context, origin.ip, { _tag: "Tip", height, hash })
}

/**
 * A producer announces a block by its proposal alone, and sends it again once it has accepted the block. A proposal may fail, so the peer is
 * asked for its tip.
 */
const proposed = (peer: TimePeer, height: number): void => {
  if (height > peer.context.state.chain.height) tell(peer, { _tag: "GetChainTip" })
}

/** The peer has a block at that height: requests it if it is our next, else asks for the peer's tip if that is further. */
const inventory = (peer: TimePeer, height: number): void => {
  const ours = peer.context.state.chain.height
  if (height === ours + 1) tell(peer, { _tag: "BlockRequest", height })
  else if (height > ours) tell(peer, { _tag: "GetChainTip" })
}
