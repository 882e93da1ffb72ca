/** One hostile process: `node attacker.ts ATTACK TARGET-AS-JSON`. Says when it is ready, begins when told, and ends with its parent. */
import { attacks } from "./attacks.ts"
import type { Target } from "./Client.ts"
import { tlsAttacks } from "./tlsAttacks.ts"

const [, , name = "", target = "{}"] = process.argv
process.on("disconnect", () => process.exit(0))
process.on("uncaughtException", () => {})
const attack = attacks[name] ?? tlsAttacks[name]
process.once("message", () => attack?.run(JSON.parse(target) as Target))
await attack?.prepare?.()
process.send?.("ready")
