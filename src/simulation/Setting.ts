/** Which network is simulated, and when. */
import { devnet, testnet } from "../domain/chain/ChainParams.ts"
import { networks } from "../domain/Network.ts"
import { wallMs } from "./Daemons.ts"

/** By wire. `wallMs`: wall time when a simulation begins, ms since 1970: devnet's blocks up to height 20,000,000 are due. */
export const of = {
  native: { network: networks.devnet, params: devnet, wallMs: (devnet.genesisTime + 20_000_000) * 1_000 },
  mixed: { network: networks.testnet, params: testnet, wallMs }
} as const
