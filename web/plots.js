/** The two plots, by uPlot. Colours come from the style sheet, so that dark and light fit. */
/** @import { State } from "./types.ts" */
import * as format from "./model/format.js"
import * as Model from "./model/State.js"
import * as downs from "./view/downs.js"

/**
 * The library is a script of its own, loaded before.
 * @type {any}
 */
const uPlot = Reflect.get(globalThis, "uPlot")

/** @typedef {{ plot: any, shape: string, element: Element }} Drawn */
/** @type {Map<string, Drawn>} */
const drawn = new Map()

/** @type {(name: string) => string} */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** @type {(plot: unknown, splits: ReadonlyArray<number>) => ReadonlyArray<string>} */
const hours = (_, splits) => splits.map((at) => format.clock(at * 1_000).slice(0, 5))

const axis = () => ({
  stroke: colour("--muted"),
  grid: { stroke: colour("--grid"), width: 1 },
  ticks: { show: false },
  size: 34
})

/**
 * Draws into the element, anew when its series, width or colours are others.
 * @type {(id: string, shape: string, options: () => Record<string, unknown>, data: ReadonlyArray<ReadonlyArray<number>>) => void}
 */
const draw = (id, shape, options, data) => {
  const element = document.getElementById(id)
  if (element === null) return
  const width = element.clientWidth
  const whole = `${shape} ${width} ${colour("--text")}`
  const old = drawn.get(id)
  if (old !== undefined && old.shape === whole && old.element === element) return old.plot.setData(data)
  old?.plot.destroy()
  element.replaceChildren()
  const plot = new uPlot(
    {
      width,
      height: element.clientHeight,
      legend: { show: false },
      cursor: { show: false },
      ...options()
    },
    data,
    element
  )
  drawn.set(id, { plot, shape: whole, element })
}

/** @type {(state: State) => void} */
const drawDowns = (state) => {
  if (state.answeredAt === undefined) return
  const { minutes, stacks } = downs.stacked(state.downs, state.answeredAt)
  draw(
    "plot-downs",
    stacks.map(({ reason }) => reason).join(),
    () => ({
      scales: {
        y: {
          range: (
            /** @type {any} */ _,
            /** @type {number} */ _least,
            /** @type {number} */ most
          ) => [0, Math.max(4, most)]
        }
      },
      axes: [{ ...axis(), values: hours }, { ...axis(), incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] }],
      series: [
        {},
        ...stacks.map(({ colour: i }) => ({
          fill: colour(`--c${i}`),
          width: 0,
          points: { show: false },
          paths: uPlot.paths.bars({ size: [0.9, 24] })
        }))
      ]
    }),
    [minutes, ...stacks.map(({ sums }) => sums)]
  )
}

/** @type {(state: State, now: number) => void} */
const drawRate = (state, now) => {
  const rates = Model.rates(state)
  const at = (state.answeredAt ?? 0) / 1_000
  draw(
    "plot-rate",
    "rate",
    () => ({
      scales: {
        x: {
          range: (/** @type {any} */ _, /** @type {number} */ _least, /** @type {number} */ most) => [most - 600, most]
        },
        y: {
          range: (
            /** @type {any} */ _,
            /** @type {number} */ _least,
            /** @type {number} */ most
          ) => [0, Math.max(1, most * 1.1)]
        }
      },
      axes: [{ ...axis(), values: hours }, axis()],
      series: [{}, { stroke: colour("--c0"), fill: colour("--c0-soft"), width: 1.5, points: { show: false } }]
    }),
    [rates.map((moment) => at - (now - moment.at) / 1_000), rates.map(({ rate }) => rate)]
  )
}

/** @type {(state: State, now: number) => void} */
export const show = (state, now) => {
  if (uPlot === undefined) return
  drawDowns(state)
  drawRate(state, now)
}
