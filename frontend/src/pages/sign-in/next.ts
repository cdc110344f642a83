/** Where to go after signing in: a path of this site, whatever the URL says. */
export function safeNext(next: string | null): string {
  if (next === null || !next.startsWith("/") || !URL.canParse(next, location.origin)) return "/";
  // As the browser reads it: "//host", "/\\host" and "/<tab>/host" are other sites.
  const { origin, pathname, search } = new URL(next, location.origin);
  return origin === location.origin && !pathname.startsWith("//") ? pathname + search : "/";
}
