// @vitest-environment node
import { describe, it } from "vitest";
import { checkFlips } from "./flips.testing.ts";
import { readFlips } from "./vectors.testing.ts";

// About a minute: run with EVERY_BYTE=1. The quick test looks at every 97th byte.
describe.skipIf(process.env.EVERY_BYTE !== "1")("every changed byte, at every offset", () => {
  it.each(Object.keys(readFlips().runs))("%s", (key) => checkFlips(key, 1), 240_000);
});
