/**
 * Where the mark is: the id of who is signed in. It tells the other tabs when that becomes somebody
 * else: they share the cookie, and would send what they show under the new one's name.
 */
export const KEY = "tallystick.signed-in";

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

/** Sets the mark to a participant's id, or removes it. */
export function markSignedIn(participantId: string | null): void {
  try {
    if (participantId !== null) localStorage.setItem(KEY, participantId);
    else localStorage.removeItem(KEY);
  } catch {
    // Without storage there is no mark, and the server is asked.
  }
}
