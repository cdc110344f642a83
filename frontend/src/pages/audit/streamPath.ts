/** Where a stream is shown complete. */
export function streamPath(streamId: string): string {
  return `/audit/streams/${encodeURIComponent(streamId)}`;
}
