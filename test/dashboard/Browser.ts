/** Debian's Chromium, driven by playwright-core; without it the tests are skipped, and say so. */
import { Config, Effect, Option, Schedule } from "effect"
import type { Scope } from "effect"
import { existsSync } from "node:fs"
import { type Browser, chromium, type Page } from "playwright-core"

/** Where it is; `undefined`: not installed. */
export const find = (): string | undefined =>
  ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((file) => existsSync(file))

const executable = find()

/** Whether this is `npm run dashboard-check`, which may take its time. */
export const isCheck = Option.isSome(Effect.runSync(Effect.orDie(Config.option(Config.String("DASHBOARD_CHECK")))))

/** Why no browser can be had; `undefined`: one can. */
export const missing = executable === undefined
  ? "no Chromium is installed: apt install chromium, or npm run dashboard-check"
  : undefined

export const launch: Effect.Effect<Browser, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() =>
    chromium.launch({
      executablePath: executable ?? "",
      // The sandbox needs rights that a container lacks; the pages are our own.
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
      timeout: 60_000
    })
  ),
  (browser) => Effect.promise(() => browser.close())
)

export interface Look {
  readonly width?: number
  readonly height?: number
  readonly dark?: boolean
}

/** A page of its own, with what it wrote on its console as a problem and what it could not load. */
export const open = (browser: Browser, { dark = false, height = 900, width = 1_280 }: Look = {}) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: dark ? "dark" : "light",
        reducedMotion: "reduce"
      })
      const page = await context.newPage()
      const problems: Array<string> = []
      page.on("pageerror", (error) => problems.push(String(error)))
      page.on("console", (message) => {
        if (message.type() === "error") problems.push(message.text())
      })
      page.setDefaultTimeout(60_000)
      return { page, problems }
    }),
    ({ page }) => Effect.promise(() => page.context().close())
  )

/** Waits until something is true of what the page has asked. */
export const reached = (isTrue: () => boolean): Effect.Effect<void> =>
  Effect.sync(isTrue).pipe(
    Effect.repeat({ schedule: Schedule.spaced(50), until: (found) => found }),
    Effect.timeoutOrElse({ duration: 180_000, orElse: () => Effect.die(new Error("the page stopped asking")) }),
    Effect.asVoid
  )

/** Waits until the count is reached, however slow the machine: fails only when it does not rise at all. */
export const counted = (count: () => number, to: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const seen = count()
    return seen >= to ? Effect.void : Effect.andThen(reached(() => count() > seen), counted(count, to))
  })

/** Waits until the expression is true in the page, whose policy lets no script of playwright's wait in it. */
export const until = (page: Page, expression: string): Effect.Effect<void> =>
  Effect.promise(() => page.evaluate(expression)).pipe(
    Effect.repeat({ schedule: Schedule.spaced(50), until: (found) => found === true }),
    Effect.timeoutOrElse({
      duration: 180_000,
      orElse: () =>
        Effect.flatMap(
          Effect.promise(() => page.innerText("body")),
          (body) => Effect.die(new Error(`the page never fulfils ${expression}; it shows: ${body.slice(0, 3_000)}`))
        )
    }),
    Effect.asVoid
  )
