const KEY = "tallystick.signed-in";

/**
 * Whether this browser may have a session: no secret, only a mark. Without it nobody is asked, for a
 * visitor's answer 401 would stand as an error in the browser's console. Where storage is not
 * allowed, the server is asked every time.
 */
export function mayBeSignedIn(): boolean {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return true;
  }
}

/** Sets or removes the mark. */
export function markSignedIn(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(KEY, "1");
    else localStorage.removeItem(KEY);
  } catch {
    // Without storage there is no mark, and the server is asked.
  }
}
