/** Wires the page: asks the node, hears its events, draws, and does what a person clicks. */
/** @import { About, Happened, Masternodes, Peers, State, Status, Why } from "./types.ts" */
import * as ask from "./ask.js"
import { patch } from "./dom/patch.js"
import * as bounds from "./model/bounds.js"
import * as Model from "./model/State.js"
import * as plots from "./plots.js"
import * as page from "./view/page.js"

const root = /** @type {Element} */ (document.getElementById("app"))
let state = Model.initial
let isDrawing = false

/** Cards that are on the page: one more each frame, so that the first answer of a node with a thousand peers is no long turn. */
let shownCards = 1

const draw = () => {
  isDrawing = false
  patch(root, page.view(state, shownCards))
  plots.show(state, performance.now())
  if (state.peers === undefined || shownCards === page.cards.length) return
  shownCards += 1
  drawSoon()
}

const drawSoon = () => {
  if (isDrawing) return
  isDrawing = true
  // Without a frame while the page is hidden: then it is drawn when it is seen again.
  requestAnimationFrame(draw)
}

/** @type {(next: State) => void} */
const become = (next) => {
  state = next
  drawSoon()
}

/** @type {(error: unknown) => string} */
const wordsOf = (error) => {
  if (!(error instanceof Error)) return String(error)
  return error instanceof TypeError || error.name === "TimeoutError" ? "it may be stopped or restarting" : error.message
}

/** @type {(error: unknown) => void} */
const failed = (error) =>
  become(
    error instanceof ask.TokenNeeded
      ? Model.tokenWanted(state, state.link === "token" ? error.message : undefined)
      : Model.lost(state, wordsOf(error))
  )

/** @type {ReturnType<typeof setTimeout> | undefined} */
let next
let isAsking = false
let askAgain = false

/** ms. What the last answers took, from the question to the page. */
let tookMs = 0

const settleMs = () => Math.min(Math.max(bounds.settleMs, bounds.settleTimes * tookMs), bounds.pollMs)

/** The page's clock at the next question. */
let nextAt = Number.POSITIVE_INFINITY

/**
 * Asks so much later, unless it is due before: events that never stop must not put the question off for ever.
 * @type {(ms: number) => void}
 */
const askIn = (ms) => {
  const at = performance.now() + ms
  if (at >= nextAt) return
  clearTimeout(next)
  nextAt = at
  next = setTimeout(askNow, ms)
}

const explain = async () => {
  const { selected } = state
  if (selected === undefined) return
  const path = encodeURIComponent(selected)
  const [why, story] = await Promise.all([
    /** @type {Promise<Why>} */ (ask.get(`why/${path}`)),
    /** @type {Promise<{ readonly lines: ReadonlyArray<string> } | undefined>} */ (ask.get(`story/${path}`).catch(() =>
      undefined
    ))
  ])
  become(Model.explained(state, why, story?.lines))
}

let masternodesAt = Number.NEGATIVE_INFINITY

const askMasternodes = async () => {
  if (performance.now() - masternodesAt < bounds.masternodesMs) return
  masternodesAt = performance.now()
  /** @type {Masternodes | undefined} */
  const found = await ask.get("masternodes").catch(() => undefined)
  become(Model.masternodesCame(state, found))
}

let aboutAt = Number.NEGATIVE_INFINITY
/** The process whose settings are known: they do not change while it runs. */
let settingsOf = 0

/** @type {(wanted: Readonly<Record<string, string>>) => Promise<About>} */
const answersTo = async (wanted) =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(wanted).map(async ([name, path]) => [name, await ask.get(path).catch(() => undefined)])
    )
  )

const bookPath = () => `book?count=${bounds.rows}&skip=${(state.pages["book"] ?? 0) * bounds.rows}`

const askAbout = async () => {
  if (performance.now() - aboutAt < bounds.aboutMs) return
  aboutAt = performance.now()
  const { pid = 0 } = state.status ?? {}
  const page = state.pages["book"]
  const { book, ...answers } = await answersTo({
    own: "own",
    clock: "clock",
    resources: "resources",
    refusals: "refusals",
    bans: "bans",
    book: bookPath(),
    ...(pid === settingsOf ? {} : { settings: "settings" })
  })
  if (answers.settings !== undefined) settingsOf = pid
  become(Model.aboutCame(state, page === state.pages["book"] ? { ...answers, book } : answers))
}

/** Another page of the peer book, which the node keeps. */
const askBook = async () => {
  const page = state.pages["book"]
  const answer = await answersTo({ book: bookPath() })
  if (page === state.pages["book"]) become(Model.aboutCame(state, answer))
}

/** One question at a time: a node that is slow is not asked faster. */
const askNow = async () => {
  clearTimeout(next)
  nextAt = Number.POSITIVE_INFINITY
  if (isAsking) {
    askAgain = true
    return
  }
  isAsking = true
  askAgain = false
  const askedAt = performance.now()
  try {
    const [status, peers] = await Promise.all([
      /** @type {Promise<Status>} */ (ask.get("status")),
      /** @type {Promise<Peers>} */ (ask.get("peers"))
    ])
    become(Model.answered(state, status, peers, performance.now()))
    tookMs = performance.now() - askedAt
    await Promise.all([askMasternodes(), askAbout(), explain()])
  } catch (error) {
    failed(error)
  }
  isAsking = false
  if (state.link !== "token") askIn(askAgain ? settleMs() : document.hidden ? bounds.hiddenPollMs : bounds.pollMs)
}

/** @type {string | undefined} */
let lastId
let isFirst = true

/** @type {(messages: ReadonlyArray<{ readonly id: string | undefined, readonly event: string, readonly data: string }>) => void} */
const heard = (messages) => {
  /** @type {Array<Happened>} */
  const came = []
  for (const { data, event, id } of messages) {
    if (id !== undefined) lastId = id
    if (event === "message") came.push(JSON.parse(data))
  }
  if (came.length === 0) return
  become(Model.happened(state, came))
  askIn(settleMs())
}

/** Listens for ever; a node that restarts is heard again within seconds. */
const listen = async () => {
  let wait = bounds.reopenMs
  while (true) {
    if (state.link !== "token") {
      const since = performance.now()
      try {
        await ask.events(lastId, isFirst ? bounds.events : 0, (messages) => {
          heard(messages)
          isFirst = false
        })
      } catch {
        // The questions say what is wrong.
      }
      wait = performance.now() - since > bounds.reopenMaxMs ? bounds.reopenMs : Math.min(wait * 2, bounds.reopenMaxMs)
    }
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

/** @type {(ip: string | undefined) => void} */
const select = (ip) => {
  become(Model.selected(state, ip))
  if (ip === undefined) return
  explain().catch(failed)
  requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById("story-title")?.focus()))
}

/** @type {Readonly<Record<string, (arg: string) => void>>} */
const deeds = {
  select,
  close: () => select(undefined),
  show: (arg) => become(Model.shown(state, Model.showOf(arg))),
  sort: (arg) => become(Model.sorted(state, arg)),
  filter: (arg) => become(Model.filtered(state, arg)),
  page: (arg) => {
    const [table = "", page] = arg.split(":")
    become(Model.turned(state, table, Number(page)))
    document.getElementById(`${table}-rows`)?.scrollTo({ top: 0 })
    if (table === "book") void askBook()
  },
  filterEvents: (arg) => become({ ...state, eventFilter: arg })
}

/** @type {(target: EventTarget | null) => Element | undefined} */
const doerOf = (target) => target instanceof Element ? target.closest("[data-do]") ?? undefined : undefined

root.addEventListener("click", ({ target }) => {
  const doer = doerOf(target)
  if (doer === undefined || doer instanceof HTMLInputElement) return
  deeds[doer.getAttribute("data-do") ?? ""]?.(doer.getAttribute("data-arg") ?? "")
})
root.addEventListener("input", ({ target }) => {
  if (target instanceof HTMLInputElement) deeds[target.getAttribute("data-do") ?? ""]?.(target.value)
})
root.addEventListener("submit", (event) => {
  event.preventDefault()
  const input = document.getElementById("token")
  if (!(input instanceof HTMLInputElement)) return
  ask.useToken(input.value.trim())
  input.value = ""
  void askNow()
})
addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && state.selected !== undefined) select(undefined)
})
addEventListener("resize", () => become(state))
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => become(state))
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void askNow()
})

become(state)
void askNow()
void listen()
