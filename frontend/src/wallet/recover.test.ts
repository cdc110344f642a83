// @vitest-environment node
import { describe, expect, it } from "vitest";
import { recoverSigner, SignatureInvalid } from "./recover.ts";
import signatures from "./vectors/signatures.json?raw";

interface Vector {
  digest: string;
  signature: string;
  signer?: string;
  canonical?: string;
  refused?: string;
}

const vectors: Record<string, Vector> = JSON.parse(signatures);

describe("signatures are read as the platform reads them", () => {
  it.each(Object.entries(vectors))("%s", (_name, { digest, signature, ...expected }) => {
    if (expected.refused !== undefined) {
      expect(() => recoverSigner(digest, signature)).toThrow(expected.refused);
      return;
    }
    const recovered = recoverSigner(digest, signature);
    expect(recovered.signer).toBe(expected.signer?.toLowerCase());
    expect(recovered.signature).toBe(expected.canonical);
  });

  it("refuses what is no hexadecimal", () => {
    for (const text of ["", "0xzz", "00", `0x${"0".repeat(129)}`]) {
      expect(() => recoverSigner(`0x${"00".repeat(32)}`, text)).toThrow(SignatureInvalid);
    }
  });
});
