import { Link } from "react-router";
import type { Session } from "../api/models.ts";
import { useSession, useSignOut } from "../api/queries/session.ts";
import { Button } from "../components/Button.tsx";
import { Address } from "../components/Hash.tsx";
import { Time } from "../components/Time.tsx";
import { Icon } from "./Icon.tsx";

/** Who is signed in, with what rights, and the way out. */
export function SessionMenu() {
  const session = useSession().data;
  if (session === undefined) return null;
  if (session === null) {
    return (
      <Link to="/sign-in" className="link px-2 max-sm:hidden">
        Sign in
      </Link>
    );
  }
  return (
    <>
      <button
        type="button"
        popoverTarget="session-menu"
        className="flex min-h-9 max-w-44 items-center gap-2 rounded-md px-2 hover:bg-raised"
      >
        <Icon name="person" />
        <span className="truncate max-sm:sr-only">{session.name}</span>
      </button>
      <div
        id="session-menu"
        popover="auto"
        className="menu menu-left w-72 rounded-lg border border-line bg-surface p-4 text-ink shadow-lg"
      >
        <Who session={session} />
      </div>
    </>
  );
}

function Who({ session }: { session: Session }) {
  const signOut = useSignOut();
  return (
    <div className="space-y-3">
      <div>
        <p className="font-semibold">{session.name}</p>
        <p className="text-muted">{session.roles.join(", ")}</p>
      </div>
      {session.wallets.map((wallet) => (
        <p key={wallet.address} className="text-xs">
          <span className="text-muted">Wallet </span>
          <Address value={wallet.address} label="wallet address" />
        </p>
      ))}
      <p className="text-xs text-muted">
        The session ends at the latest <Time value={session.expires_at} />.
      </p>
      {signOut.isError ? (
        <p role="alert" className="text-bad">
          Signing out failed: {signOut.error.message}
        </p>
      ) : null}
      <Button className="w-full" busy={signOut.isPending} onClick={() => signOut.mutate()}>
        Sign out
      </Button>
    </div>
  );
}
