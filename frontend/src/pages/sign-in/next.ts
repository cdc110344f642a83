/** Where to go after signing in: a path of this site, whatever the URL says. */
export function safeNext(next: string | null): string {
  // "//host" and "/\host" are other sites to a browser.
  return next !== null && /^\/(?![/\\])/.test(next) ? next : "/";
}
