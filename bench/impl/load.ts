/** Loads one stack, and nothing of another, so that no process carries another's memory. */
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Implementation, Name } from "./Implementation.ts"
import type * as Timemesh from "./timemesh.ts"

/** timemesh of a checkout: its modules have this one's interface, whatever is behind it. `root` ends with a slash. */
const timemesh = async (root: URL): Promise<Implementation> => {
  const module: typeof Timemesh = await import(new URL("bench/impl/timemesh.ts", root).href)
  return { ...module.implementation, chain: () => import(new URL("bench/impl/timemeshChain.ts", root).href) }
}

/** `against` is the directory of the checkout that stands as `before`. */
export const load = async (name: Name, against?: string): Promise<Implementation> => {
  switch (name) {
    case "bare":
      return (await import("./bare.ts")).implementation
    case "timemesh":
      return timemesh(new URL("../../", import.meta.url))
    case "blind":
      return (await import("./blind.ts")).implementation
    case "before":
      if (against === undefined) throw new Error("no checkout to compare with was named")
      return timemesh(pathToFileURL(join(against, "/")))
    case "libp2p":
      return (await import("./libp2p.ts")).implementation({ encryption: "plaintext", messages: "own" })
    case "libp2p-noise":
      return (await import("./libp2p.ts")).implementation({ encryption: "noise", messages: "own" })
    case "libp2p-packed":
      return (await import("./libp2p.ts")).implementation({ encryption: "plaintext", messages: "packed" })
    case "bare-tls":
      return (await import("./bareTls.ts")).implementation
    case "timemesh-tls":
      return (await import("./timemeshTls.ts")).implementation
    case "secret-stream":
      return (await import("./secretStream.ts")).implementation
  }
}
