/** What a verification takes as given. Twin of anchoring/verifier_inputs.py. */

import type { BlockWitness } from "./confirm.ts";
import type { Policy } from "./policy.ts";
import type { Asked } from "./streamProof.ts";
import type { Trust } from "./trust.ts";

/** How strictly a bundle is read. */
export type Profile = "tallystick" | "c2sp";

/** What the user takes as given. `keys` are the bytes of a `keys` file. */
export interface TrustInputs {
  readonly policy: Policy;
  readonly keys: Uint8Array | null;
  readonly trust: Trust | null;
  readonly blocks: readonly BlockWitness[];
  /** The stream that a stream proof must be of. */
  readonly asked?: Asked;
}
