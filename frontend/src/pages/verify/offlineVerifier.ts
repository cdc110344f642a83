/** The offline verifier that the build puts beside the dashboard. */

export const OFFLINE_VERIFIER = "/verify.html";

/** Its SHA-256 in hex as the build wrote it; null where there is none, as in development. */
export async function fetchOfflineDigest(): Promise<string | null> {
  const response = await fetch(`${OFFLINE_VERIFIER}.sha256`).catch(() => null);
  if (response === null || !response.ok) return null;
  return /^([0-9a-f]{64}) {2}verify\.html\n$/.exec(await response.text())?.[1] ?? null;
}
