/** A wallet's refusals as sentences. The codes are those of EIP-1193, EIP-1474 and EIP-3085. */

const SENTENCES: Readonly<Record<number, string>> = {
  4001: "You rejected the request in your wallet. Nothing was sent.",
  4100: "The wallet does not let this page use the account. Connect it again.",
  4200: "The wallet does not know this kind of request.",
  4900: "The wallet has lost its connection to every chain. Connect it again.",
  4901: "The wallet is not connected to this chain. Switch its network.",
  4902: "The wallet does not know this chain. Add it to the wallet first.",
  [-32002]: "A request is already open in your wallet. Answer it there.",
  [-32602]: "The wallet does not take the request in this form.",
};

/** A signature was asked for and not given, or was not the one asked for. */
export class WalletError extends Error {
  override name = "WalletError";
}

/** The code of a thrown value; libraries wrap the wallet's own error in one of theirs. */
export function codeOf(error: unknown): number | null {
  let current: unknown = error;
  for (let depth = 0; depth < 8 && typeof current === "object" && current !== null; depth += 1) {
    const { code, cause } = current as { code?: unknown; cause?: unknown };
    if (typeof code === "number") return code;
    current = cause;
  }
  return null;
}

/** One sentence for the person who asked for a signature. */
export function explainWalletError(error: unknown): string {
  if (error instanceof WalletError) return error.message;
  const code = codeOf(error);
  const known = code === null ? undefined : SENTENCES[code];
  if (known !== undefined) return known;
  const said = error instanceof Error ? error.message.split("\n")[0] : String(error);
  return `The wallet answered with an error: ${said}`;
}
