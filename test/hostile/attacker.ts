/** One hostile process: `node attacker.ts ATTACK TARGET-AS-JSON`. Ends with its parent. */
import { attacks } from "./attacks.ts"
import type { Target } from "./Client.ts"

const [, , name = "", target = "{}"] = process.argv
process.on("disconnect", () => process.exit(0))
process.on("uncaughtException", () => {})
attacks[name]?.run(JSON.parse(target) as Target)
