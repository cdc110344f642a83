import { useQueryClient } from "@tanstack/react-query";
import { Fragment, useEffect } from "react";
import { Navigate, Outlet, useLocation } from "react-router";
import { forgetPrivate, useSession } from "../api/queries/session.ts";
import { ErrorState } from "../components/ErrorState.tsx";
import { Skeleton } from "../components/Skeleton.tsx";

/** Shows the routes below it to somebody signed in, and everyone else the sign-in page. */
export function RequireSession() {
  const session = useSession();
  const { pathname, search } = useLocation();
  const client = useQueryClient();
  const ended = session.data === null;
  // After the pages are gone: what a page still shows would be asked for again.
  useEffect(() => {
    if (ended) forgetPrivate(client);
  }, [ended, client]);
  if (session.data) {
    // Another participant gets pages of their own: nothing typed or chosen before stays.
    return (
      <Fragment key={session.data.participant_id}>
        <Outlet />
      </Fragment>
    );
  }
  if (ended) {
    const wanted = pathname + search;
    const next = wanted === "/" ? "" : `?next=${encodeURIComponent(wanted)}`;
    return <Navigate to={`/sign-in${next}`} replace />;
  }
  if (session.isError) {
    return <ErrorState error={session.error} what="your session" retry={session.refetch} />;
  }
  return <Skeleton lines={6} label="Loading your session" />;
}
