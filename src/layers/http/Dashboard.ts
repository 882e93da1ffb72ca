/**
 * The dashboard: static files that use only the admin API. The browser runs them unbundled.
 *
 * **Location**: `web/` beside `src` in a checkout, `dist/web/` in the package, which includes uPlot. An installation without them
 * answers 404.
 * **Safety**: they contain no secret, so that a page may ask for a token. The policy below admits no other script,
 * style, address or frame to the page.
 */
import { Effect, type Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

/** Content security policy. uPlot sets styles by script, which a policy on markup does not restrict. */
export const headers: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-cache"
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml"
}

export interface Asset {
  readonly type: string
  readonly body: Uint8Array
  readonly tag: string
}

/** Relative to the bundle, the library, and the sources. */
const places = ["../web/", "../../web/", "../../../web/"]

/** uPlot's own files, by the names that the page uses. */
const library: Readonly<Record<string, string>> = {
  "uPlot.js": "uplot/dist/uPlot.iife.min.js",
  "uPlot.css": "uplot/dist/uPlot.min.css"
}

const assetOf = (file: string): Asset | undefined => {
  const type = types[path.extname(file)]
  if (type === undefined) return undefined
  const body = fs.readFileSync(file)
  return { type, body, tag: `"${createHash("sha256").update(body).digest("hex").slice(0, 32)}"` }
}

/** In a checkout the library is where npm put it; the package has a copy. */
const libraryFile = (name: string, directory: string): string | undefined => {
  const copied = path.join(directory, name)
  if (fs.existsSync(copied)) return copied
  try {
    return createRequire(import.meta.url).resolve(library[name] ?? "")
  } catch {
    return undefined
  }
}

/** All files by their path below `/dashboard/`; empty if this installation has none. */
export const assets = (): ReadonlyMap<string, Asset> => {
  const directory = places.map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((place) => fs.existsSync(path.join(place, "app.js")))
  if (directory === undefined) return new Map()
  const own = fs.readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => [name.split(path.sep).join("/"), path.join(directory, name)] as const)
  const copied = Object.keys(library).map((name) => [name, libraryFile(name, directory)] as const)
  return new Map([...own, ...copied].flatMap(([name, file]) => {
    const asset = file === undefined ? undefined : assetOf(file)
    return asset === undefined ? [] : [[name, asset]]
  }))
}

const absent = HttpServerResponse.empty({ status: 404 })

/** Read at the first request and cached: about 150 KB. */
let kept: ReadonlyMap<string, Asset> | undefined

const answer = (name: string, known: string | undefined) => {
  kept ??= assets()
  const asset = kept.get(name)
  if (asset === undefined) return absent
  const all = { ...headers, etag: asset.tag }
  return known === asset.tag
    ? HttpServerResponse.empty({ status: 304, headers: all })
    : HttpServerResponse.uint8Array(asset.body, { contentType: asset.type, headers: all })
}

/** The path below `/dashboard/`, without its query. */
const fileOf = (url: string): string => url.replace(/^[^?#]*?\/dashboard\//, "").replace(/[?#].*$/s, "")

export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter> = HttpRouter.addAll([
  HttpRouter.route("GET", "/", (request) => Effect.sync(() => answer("index.html", request.headers["if-none-match"]))),
  HttpRouter.route(
    "GET",
    "/dashboard/*",
    (request) => Effect.sync(() => answer(fileOf(request.url), request.headers["if-none-match"]))
  )
])
